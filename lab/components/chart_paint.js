// The strokes of the loss charts: axes with units, lines with gaps where there is no number, marks for what lies beyond.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const PLOT = { left: 46, right: 14, top: 8, bottom: 32 }; // CSS pixels around the plot
  const MARK_PX = 4;
  const LETTER_PX = 11;

  function axes(chart, pen, unit, shares) {
    const bottom = chart.height - PLOT.bottom;
    const right = chart.width - PLOT.right;
    const [low, high] = chart.rangeY;
    const log = chart.logarithmic;
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
    pen.fillStyle = chart.colour("--faint");
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const [first, last] = chart.domain();
    for (const value of lab.curve.ticks(first / 1000, last / 1000, Math.max(2, Math.floor(chart.width / 110)))) {
      pen.fillText(String(value), chart.x(value * 1000), bottom + 5);
    }
    pen.fillText("images seen (kimg)", (PLOT.left + right) / 2, bottom + 18);
    pen.textAlign = "left";
    pen.fillText(log ? `${unit}, log` : unit, 4, bottom + 18);
    if (!shares) return;
    pen.textAlign = "right";
    pen.fillText("D outputs: bottom 0, top 1", right, bottom + 18);
  }

  // Paints with the pen held inside the plot.
  function inside(chart, pen, paint) {
    pen.save();
    pen.beginPath();
    pen.rect(PLOT.left, PLOT.top - 2, chart.width - PLOT.left - PLOT.right, chart.height - PLOT.top - PLOT.bottom + 4);
    pen.clip();
    paint();
    pen.restore();
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
      const x = chart.x(line.xs[i]);
      const alone = !down && !Number.isFinite(line.ys[i + 1]);
      if (down) pen.lineTo(x, height);
      else pen.moveTo(alone ? x - 1.5 : x, height);
      if (alone) pen.lineTo(x + 1.5, height); // a single number between gaps is a short dash
      down = true;
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  // A small triangle at the edge of the plot for every value that the axis leaves out.
  function outliers(chart, pen, line) {
    const [low, high] = chart.rangeY;
    pen.fillStyle = chart.colour(line.token);
    let last = { top: -Infinity, bottom: -Infinity };
    line.raw.ys.forEach((value, i) => {
      if (!(value > high || value < low) || (chart.logarithmic && value <= 0)) return;
      const [x, edge] = [chart.x(line.raw.xs[i]), value > high ? "top" : "bottom"];
      if (x - last[edge] < MARK_PX || x < PLOT.left || x > chart.width - PLOT.right) return;
      last = { ...last, [edge]: x };
      const [tip, foot] = edge === "top" ? [PLOT.top - 3, PLOT.top + 3] : [chart.height - PLOT.bottom + 3, chart.height - PLOT.bottom - 3];
      pen.beginPath();
      pen.moveTo(x, tip);
      pen.lineTo(x - MARK_PX, foot);
      pen.lineTo(x + MARK_PX, foot);
      pen.fill();
    });
  }

  // The letter of each run at the end of its line, moved apart where two would cover one another.
  function letters(chart, pen, lines) {
    const [top, bottom] = [PLOT.top, chart.height - PLOT.bottom];
    const ends = [];
    for (const line of lines.filter((one) => one.letter)) {
      const last = line.calm.ys.findLastIndex((value) => Number.isFinite(chart.y(value, chart.logarithmic)));
      if (last < 0) continue;
      const x = chart.x(line.calm.xs[last]) + 4;
      const y = Math.min(Math.max(chart.y(line.calm.ys[last], chart.logarithmic), top), bottom);
      if (x >= PLOT.left) ends.push({ line, x: Math.min(x, chart.width - PLOT.right + 4), y });
    }
    ends.sort((one, other) => one.y - other.y);
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    const placed = [];
    for (const end of ends) {
      const near = placed.filter((other) => Math.abs(other.x - end.x) < LETTER_PX);
      end.y = Math.max(end.y, ...near.map((other) => other.y + LETTER_PX));
      placed.push(end);
      pen.fillStyle = chart.colour(end.line.token);
      pen.fillText(end.line.letter, end.x, end.y);
    }
  }

  function upright(chart, pen, x, token, dash) {
    if (x < PLOT.left - 1 || x > chart.width - PLOT.right + 1) return;
    pen.strokeStyle = chart.colour(token);
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(Math.round(x) + 0.5, PLOT.top - 4);
    pen.lineTo(Math.round(x) + 0.5, chart.height - PLOT.bottom);
    pen.stroke();
  }

  lab.chartPaint = { PLOT, axes, inside, stroke, outliers, letters, upright };
})();
