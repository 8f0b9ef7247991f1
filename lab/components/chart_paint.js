// The strokes of the loss chart: axes with units, and lines with gaps where there is no number.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const PLOT = { left: 46, right: 14, top: 8, bottom: 32 }; // CSS pixels around the plot

  function axes(chart, pen, shares, log) {
    const bottom = chart.height - PLOT.bottom;
    const right = chart.width - PLOT.right;
    const [low, high] = chart.rangeY;
    pen.lineWidth = 1;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const value of log ? lab.curve.logTicks(low, high) : lab.curve.ticks(low, high, 5)) {
      const y = Math.round(chart.y(value, log)) + 0.5;
      pen.strokeStyle = chart.colour("--line");
      pen.beginPath();
      pen.moveTo(PLOT.left, y);
      pen.lineTo(right, y);
      pen.stroke();
      pen.fillStyle = chart.colour("--faint");
      pen.fillText(String(value), PLOT.left - 8, y);
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const [first, last] = chart.domain();
    for (const value of lab.curve.ticks(first / 1000, last / 1000, Math.max(2, Math.floor(chart.width / 110)))) {
      pen.fillText(String(value), chart.x(value * 1000), bottom + 5);
    }
    pen.fillText("images seen (kimg)", (PLOT.left + right) / 2, bottom + 18);
    pen.textAlign = "left";
    pen.fillText(log ? "loss, log" : "loss", 4, bottom + 18);
    if (!shares) return;
    pen.textAlign = "right";
    pen.fillText("D outputs: bottom 0, top 1", right, bottom + 18);
  }

  function stroke(chart, pen, line, y, colour, width, alpha) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.globalAlpha = alpha;
    pen.beginPath();
    let down = false;
    for (let i = 0; i < line.xs.length; i += 1) {
      const height = y(line.ys[i]);
      if (!Number.isFinite(height)) {
        down = false;
        continue;
      }
      if (down) pen.lineTo(chart.x(line.xs[i]), height);
      else pen.moveTo(chart.x(line.xs[i]), height);
      down = true;
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  lab.chartPaint = { PLOT, axes, stroke };
})();
