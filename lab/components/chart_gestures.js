// Mouse, wheel and keys on a loss chart: hover reads, wheel and drag zoom, shift-drag pans, click sets the cursor.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const CLICK_PX = 4;
  const GRAB_PX = 6;
  const SMALLEST_VIEW_IMAGES = 16;

  const drawable = (chart) => chart.columns().some((images) => images.length);

  // The view scaled around one place, kept inside what there is; null when it holds everything.
  function scaled(chart, factor, around) {
    const [first, last] = chart.extent();
    const [low, high] = chart.domain();
    const width = Math.max(SMALLEST_VIEW_IMAGES, (high - low) * factor);
    if (width >= last - first) return null;
    const start = Math.min(Math.max(around - ((around - low) / (high - low)) * width, first), last - width);
    return [start, start + width];
  }

  function moved(chart, [low, high], images) {
    const [first, last] = chart.extent();
    const shift = Math.min(Math.max(images, first - low), last - high);
    return [low + shift, high + shift];
  }

  function drag(chart, canvas, start, place) {
    const onCursor = chart.cursor !== null && Math.abs(chart.x(chart.cursor) - start.x) <= GRAB_PX;
    const mode = onCursor ? "cursor" : start.shift && chart.view ? "pan" : "brush";
    const view = chart.view;
    const unit = chart.images(start.x + 1) - chart.images(start.x);
    const move = (event) => {
      const x = place(event);
      if (mode === "cursor") chart.point(chart.images(x));
      else if (mode === "pan") chart.zoom(moved(chart, view, (start.x - x) * unit));
      else {
        chart.brush = Math.abs(x - start.x) > CLICK_PX ? [start.x, x] : null;
        chart.drawOver();
      }
    };
    const done = (event) => {
      canvas.removeEventListener("pointermove", move);
      canvas.removeEventListener("pointerup", done);
      canvas.removeEventListener("pointercancel", done);
      const brush = chart.brush;
      chart.brush = null;
      if (event.type === "pointercancel") return chart.drawOver();
      if (brush) {
        const [low, high] = [Math.min(...brush), Math.max(...brush)].map((x) => chart.images(x));
        const [first, last] = chart.extent();
        chart.zoom([Math.max(first, low), Math.min(last, Math.max(high, low + SMALLEST_VIEW_IMAGES))]);
      } else if (Math.abs(place(event) - start.x) <= CLICK_PX && mode !== "cursor") {
        chart.point(chart.images(start.x));
      }
    };
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", done);
    canvas.addEventListener("pointercancel", done);
  }

  lab.chartGestures = (chart) => {
    const canvas = chart.over;
    const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener("pointermove", (event) => {
      chart.hover = place(event);
      chart.drawOver();
    });
    canvas.addEventListener("pointerleave", () => {
      chart.hover = null;
      chart.drawOver();
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !drawable(chart)) return;
      canvas.setPointerCapture(event.pointerId);
      drag(chart, canvas, { x: place(event), shift: event.shiftKey }, place);
    });
    canvas.addEventListener("wheel", (event) => {
      if (!drawable(chart)) return;
      event.preventDefault();
      chart.zoom(scaled(chart, Math.exp(Math.sign(event.deltaY) * 0.2), chart.images(place(event))));
    }, { passive: false });
    canvas.addEventListener("dblclick", () => chart.zoom(null));
    canvas.addEventListener("keydown", (event) => {
      const [low, high] = chart.domain();
      const middle = chart.cursor ?? (low + high) / 2;
      if (event.key === "+" || event.key === "=") chart.zoom(scaled(chart, 0.7, middle));
      else if (event.key === "-") chart.zoom(scaled(chart, 1.4, middle));
      else if (event.key === "0") chart.zoom(null);
    });
  };
})();
