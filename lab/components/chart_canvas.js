// What the loss chart and the comparison's chart share: two canvases, an axis of images seen, zoom, cursor, outliers.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const MOST_POINTS = 600;
  const PREFERENCES = "lab.chart";

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  function preferences() {
    try {
      return JSON.parse(localStorage.getItem(PREFERENCES)) || {};
    } catch {
      return {};
    }
  }

  // Keeps what the user chose for the next page and for the other chart.
  function prefer(changes) {
    try {
      localStorage.setItem(PREFERENCES, JSON.stringify({ ...preferences(), ...changes }));
    } catch { /* a browser without storage forgets, and that is all */ }
  }

  // Head and canvases; `legend` and `buttons` are what a chart adds to the head, left and right.
  function frame(root, title, legend, buttons) {
    root.append(
      make("div", { class: "lab-chart-head" },
        make("h3", {}, title), ...legend, make("span", { class: "lab-chart-gap" }),
        make("label", { title: "Average over past ticks: 0 shows every tick, .99 only the trend. The faint line is never smoothed." },
          "smoothing ", make("output", { class: "lab-chart-smoothing-value" }),
          make("input", { type: "range", min: 0, max: 0.99, step: 0.01, class: "lab-chart-smoothing", "aria-label": "Smoothing" })),
        make("button", { type: "button", class: "lab-chart-log", "aria-pressed": "false", title: "Logarithmic axis; values at or below zero are left out" }, "log"),
        ...buttons),
      make("div", { class: "lab-chart-plot" },
        make("canvas", { class: "lab-chart-base", role: "img", "aria-label": `${title}: nothing yet` }),
        make("canvas", { class: "lab-chart-over", tabindex: 0, "aria-label": "Zoom with + and -, 0 shows the whole run. Drag zooms, shift-drag moves, a click moves the sheets." }),
        make("button", { type: "button", class: "lab-chart-all", hidden: true, title: "Double-click does it too" }, "Zoomed in · show the whole run"),
        make("button", { type: "button", class: "lab-chart-beyond", hidden: true }),
        make("p", { class: "lab-chart-readout" }), make("p", { class: "lab-chart-note", role: "status" })));
  }

  // A chart says: columns() of images seen, lines() to draw, label(share of lines), at(images), summary(), pointed(images).
  class ChartCanvas {
    constructor(root) {
      const part = (name) => root.querySelector(`.lab-chart-${name}`);
      const saved = preferences();
      this.root = root;
      this.plot = lab.chartPaint.PLOT;
      [this.base, this.over, this.readout, this.note] = ["base", "over", "readout", "note"].map(part);
      [this.smoothing, this.smoothingText, this.log, this.whole, this.beyond] = ["smoothing", "smoothing-value", "log", "all", "beyond"].map(part);
      this.smoothing.value = saved.smoothing ?? 0.8;
      this.logarithmic = Boolean(saved.log);
      this.everything = false; // whether outliers too are inside the axis
      this.view = null; // [low, high] in images seen; null: everything
      this.cursor = null; // images seen of the sheet on show
      this.hover = null; // x in pixels
      this.drawn = 0;
      this.controls();
      lab.chartGestures(this);
      new ResizeObserver(() => this.draw()).observe(this.base);
      const theme = () => (this.root.isConnected ? this.draw() : document.removeEventListener("lab:theme", theme));
      document.addEventListener("lab:theme", theme);
    }

    controls() {
      this.smoothing.addEventListener("input", () => {
        prefer({ smoothing: Number(this.smoothing.value) });
        this.draw();
      });
      const showLog = () => this.log.setAttribute("aria-pressed", String(this.logarithmic));
      this.log.addEventListener("click", () => {
        this.logarithmic = !this.logarithmic;
        prefer({ log: this.logarithmic });
        showLog();
        this.draw();
      });
      showLog();
      this.whole.addEventListener("click", () => this.zoom(null));
      this.beyond.addEventListener("click", () => {
        this.everything = !this.everything;
        this.draw();
      });
    }

    zoom(view) {
      this.view = view;
      this.draw();
    }

    // Everything there is, from zero.
    extent() {
      const columns = this.columns().filter((images) => images.length);
      if (!columns.length) return [0, 1000];
      const first = Math.min(0, ...columns.map((images) => images[0]));
      return [first, Math.max(1, ...columns.map((images) => images[images.length - 1]))];
    }

    domain() {
      return this.view || this.extent();
    }

    x(images) {
      const [low, high] = this.domain();
      return this.plot.left + ((images - low) / (high - low)) * (this.width - this.plot.left - this.plot.right);
    }

    images(x) {
      const [low, high] = this.domain();
      return low + ((x - this.plot.left) / (this.width - this.plot.left - this.plot.right)) * (high - low);
    }

    y(value, log) {
      const [low, high] = this.rangeY;
      const part = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
      return this.yShare(part);
    }

    yShare(value) {
      return this.height - this.plot.bottom - value * (this.height - this.plot.top - this.plot.bottom);
    }

    size(canvas) {
      const scale = window.devicePixelRatio || 1;
      this.width = canvas.clientWidth;
      this.height = canvas.clientHeight;
      const [width, height] = [Math.round(this.width * scale), Math.round(this.height * scale)];
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      const pen = canvas.getContext("2d");
      pen.setTransform(scale, 0, 0, scale, 0, 0);
      pen.clearRect(0, 0, this.width, this.height);
      return pen;
    }

    // One line of a run as far as it falls into the view: smoothed over the whole history and then thinned out.
    line(points, values) {
      const [low, high] = this.domain();
      const from = Math.max(0, lab.curve.lowerBound(points.images, low) - 1);
      const to = Math.min(points.images.length, lab.curve.lowerBound(points.images, high) + 1);
      const thin = (ys) => lab.curve.decimate(points.images, ys, from, to, MOST_POINTS);
      return { raw: thin(values), calm: thin(lab.curve.smooth(values, Number(this.smoothing.value))), values: values.slice(from, to) };
    }

    draw() {
      this.smoothingText.textContent = Number(this.smoothing.value).toFixed(2).replace(/^0/, "");
      if (!this.base.clientWidth) return; // in a tab that is not shown: drawn when it is
      this.whole.hidden = this.view === null;
      const pen = this.size(this.base);
      const style = getComputedStyle(this.root);
      this.colour = (token) => style.getPropertyValue(token).trim();
      pen.font = `11px ${style.fontFamily}`;
      const lines = this.lines();
      this.fit(lines.filter((line) => !line.share));
      lab.chartPaint.axes(this, pen, this.unit(), lines.some((line) => line.share));
      lab.chartPaint.inside(this, pen, () => {
        for (const line of lines) {
          const y = line.share ? (value) => this.yShare(value) : (value) => this.y(value, this.logarithmic);
          lab.chartPaint.stroke(this, pen, line.raw, y, this.colour(line.token), 1, 0.28);
          lab.chartPaint.stroke(this, pen, line.calm, y, this.colour(line.token), 1.6, 1);
        }
      });
      if (!this.everything) for (const line of lines) if (!line.share) lab.chartPaint.outliers(this, pen, line);
      lab.chartPaint.letters(this, pen, lines);
      this.drawn = lines.reduce((most, line) => Math.max(most, line.raw.xs.length), 0);
      this.base.setAttribute("aria-label", this.summary());
      this.drawOver();
    }

    // The vertical axis: where a few wild values would flatten all others it ends before them, and says so.
    fit(lines) {
      const values = lines.map((line) => line.values);
      const log = this.logarithmic;
      const { range, beyond } = lab.curve.range(values, log);
      this.rangeY = this.everything && beyond ? lab.curve.range(values, log, true).range : range;
      this.beyond.hidden = !beyond;
      const words = this.everything ? "Fit the axis to most values" : `${beyond} ${beyond === 1 ? "value lies" : "values lie"} beyond · show all`;
      if (this.beyond.textContent !== words) this.beyond.textContent = words;
    }

    drawOver() {
      if (!this.over.clientWidth || !this.colour) return;
      const pen = this.size(this.over);
      const bottom = this.height - this.plot.bottom;
      if (this.cursor !== null) lab.chartPaint.upright(this, pen, this.x(this.cursor), "--ink", [3, 3]);
      if (this.brush) {
        pen.fillStyle = this.colour("--action");
        pen.globalAlpha = 0.18;
        pen.fillRect(Math.min(...this.brush), this.plot.top, Math.abs(this.brush[1] - this.brush[0]), bottom - this.plot.top);
        pen.globalAlpha = 1;
      }
      if (this.hover !== null) lab.chartPaint.upright(this, pen, this.hover, "--dim", []);
      this.readout.textContent = this.hover === null ? "" : this.at(this.images(this.hover));
    }

    point(images) {
      this.cursor = Math.max(0, images);
      this.drawOver();
      this.pointed(this.cursor);
    }
  }

  lab.chartCanvas = { ChartCanvas, frame, prefer, preferences };
})();
