// Live losses of the selected run on a canvas whose node is never replaced, so that zoom and hover survive every update.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const MOST_POINTS = 600;
  const SERIES = [
    { key: "g", name: "generator", token: "--generator", shown: true, help: "Low: the discriminator takes its images for real." },
    { key: "d", name: "discriminator", token: "--discriminator", shown: true, help: "Near 0: it wins and the generator learns nothing; near 0.69 each: it cannot tell." },
    { key: "real", name: "D on real", token: "--real", shown: false, share: true, help: "Mean output of the discriminator on real images, 0 to 1." },
    { key: "fake", name: "D on synthetic", token: "--synthetic", shown: false, share: true, help: "Mean output of the discriminator on synthetic images, 0 to 1." },
  ];
  const COLUMNS = ["images", "epoch", "g", "d", "real", "fake", "speed"];
  const HEADINGS = ["images_seen", "epoch", "g_loss", "d_loss", "d_real", "d_fake", "images_per_s"];
  const PREFERENCES = "lab.chart";

  function preferences() {
    try {
      return JSON.parse(localStorage.getItem(PREFERENCES)) || {};
    } catch {
      return {};
    }
  }

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Chart {
    constructor(root) {
      const saved = preferences();
      this.root = root;
      this.plot = lab.chartPaint.PLOT;
      this.base = root.querySelector(".lab-chart-base");
      this.over = root.querySelector(".lab-chart-over");
      this.readout = root.querySelector(".lab-chart-readout");
      this.note = root.querySelector(".lab-chart-note");
      this.smoothing = root.querySelector(".lab-chart-smoothing");
      this.smoothingText = root.querySelector(".lab-chart-smoothing-value");
      this.log = root.querySelector(".lab-chart-log");
      this.shown = new Map(SERIES.map((s) => [s.key, saved.shown ? saved.shown.includes(s.key) : s.shown]));
      this.smoothing.value = saved.smoothing ?? 0.8;
      this.logarithmic = Boolean(saved.log);
      this.view = null; // [low, high] in images seen; null: everything
      this.cursor = null; // images seen of the sheet on show
      this.hover = null; // x in pixels
      this.store = null;
      this.stop = () => {};
      this.drawn = 0;
      this.controls();
      lab.chartGestures(this);
      new ResizeObserver(() => this.draw()).observe(this.base);
      document.addEventListener("lab:theme", () => this.draw());
    }

    controls() {
      for (const series of SERIES) {
        const button = this.root.querySelector(`[data-series="${series.key}"]`);
        const show = () => button.setAttribute("aria-pressed", String(this.shown.get(series.key)));
        button.addEventListener("click", () => {
          this.shown.set(series.key, !this.shown.get(series.key));
          show();
          this.changedLook();
        });
        show();
      }
      this.smoothing.addEventListener("input", () => this.changedLook());
      const showLog = () => this.log.setAttribute("aria-pressed", String(this.logarithmic));
      this.log.addEventListener("click", () => {
        this.logarithmic = !this.logarithmic;
        showLog();
        this.changedLook();
      });
      showLog();
      this.root.querySelector(".lab-chart-csv").addEventListener("click", () => this.download());
      this.root.querySelector(".lab-chart-all").addEventListener("click", () => this.zoom(null));
      document.addEventListener("lab:cursor", (event) => {
        const { run, images_seen: images, from } = event.detail;
        if (from === "chart" || !this.store || run !== this.store.run || !this.root.isConnected) return;
        this.cursor = images;
        this.drawOver();
      });
    }

    changedLook() {
      const shown = SERIES.filter((s) => this.shown.get(s.key)).map((s) => s.key);
      try {
        localStorage.setItem(PREFERENCES, JSON.stringify({ shown, smoothing: Number(this.smoothing.value), log: this.logarithmic }));
      } catch { /* a browser without storage forgets, and that is all */ }
      this.draw();
    }

    show(run) {
      if (this.store && this.store.run === run) return;
      this.stop();
      this.store = null;
      this.view = null;
      this.cursor = null;
      this.note.textContent = run ? "" : "No run chosen yet.";
      this.stop = lab.feed.follow(run, this.root, (store) => {
        this.store = store;
        this.draw();
      });
      this.draw();
    }

    zoom(view) {
      this.view = view;
      this.draw();
    }

    // Everything there is, from zero.
    extent() {
      const images = this.store ? this.store.points.images : [];
      return images.length ? [Math.min(0, images[0]), Math.max(images[images.length - 1], 1)] : [0, 1000];
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

    // The lines that fall into the view, smoothed over the whole history and then thinned out.
    lines() {
      const points = this.store.points;
      const [low, high] = this.domain();
      const from = Math.max(0, lab.curve.lowerBound(points.images, low) - 1);
      const to = Math.min(points.images.length, lab.curve.lowerBound(points.images, high) + 1);
      const weight = Number(this.smoothing.value);
      return SERIES.filter((series) => this.shown.get(series.key)).map((series) => {
        const values = points[series.key];
        const thin = (ys) => lab.curve.decimate(points.images, ys, from, to, MOST_POINTS);
        return { ...series, raw: thin(values), calm: thin(lab.curve.smooth(values, weight)) };
      });
    }

    draw() {
      this.smoothingText.textContent = Number(this.smoothing.value).toFixed(2).replace(/^0/, "");
      if (!this.base.clientWidth) return; // in a tab that is not shown: drawn when it is
      this.root.querySelector(".lab-chart-all").disabled = this.view === null;
      const pen = this.size(this.base);
      const style = getComputedStyle(this.root);
      this.colour = (token) => style.getPropertyValue(token).trim();
      pen.font = `11px ${style.fontFamily}`;
      const ready = this.store && this.store.points.images.length > 0;
      if (this.store) this.note.textContent = this.store.trouble || (ready ? "" : "Waiting for the first loss.");
      const lines = ready ? this.lines() : [];
      const log = this.logarithmic;
      const losses = lines.filter((line) => !line.share);
      this.rangeY = lab.curve.range(losses.flatMap((line) => [line.raw.ys, line.calm.ys]), log);
      lab.chartPaint.axes(this, pen, lines.some((line) => line.share), log);
      pen.save();
      pen.beginPath();
      pen.rect(this.plot.left, this.plot.top - 2, this.width - this.plot.left - this.plot.right, this.height - this.plot.top - this.plot.bottom + 4);
      pen.clip();
      for (const line of lines) {
        const y = line.share ? (value) => this.yShare(value) : (value) => this.y(value, log);
        lab.chartPaint.stroke(this, pen, line.raw, y, this.colour(line.token), 1, 0.28);
        lab.chartPaint.stroke(this, pen, line.calm, y, this.colour(line.token), 1.6, 1);
      }
      pen.restore();
      this.drawn = lines.reduce((most, line) => Math.max(most, line.raw.xs.length), 0);
      this.base.setAttribute("aria-label", this.summary());
      this.drawOver();
    }

    y(value, log) {
      const [low, high] = this.rangeY;
      const part = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
      return this.height - this.plot.bottom - part * (this.height - this.plot.top - this.plot.bottom);
    }

    yShare(value) {
      return this.height - this.plot.bottom - value * (this.height - this.plot.top - this.plot.bottom);
    }

    drawOver() {
      if (!this.over.clientWidth || !this.colour) return;
      const pen = this.size(this.over);
      const bottom = this.height - this.plot.bottom;
      const upright = (x, token, dash) => {
        if (x < this.plot.left - 1 || x > this.width - this.plot.right + 1) return;
        pen.strokeStyle = this.colour(token);
        pen.setLineDash(dash);
        pen.beginPath();
        pen.moveTo(Math.round(x) + 0.5, this.plot.top - 4);
        pen.lineTo(Math.round(x) + 0.5, bottom);
        pen.stroke();
      };
      if (this.cursor !== null) upright(this.x(this.cursor), "--ink", [3, 3]);
      if (this.brush) {
        pen.fillStyle = this.colour("--action");
        pen.globalAlpha = 0.18;
        pen.fillRect(Math.min(...this.brush), this.plot.top, Math.abs(this.brush[1] - this.brush[0]), bottom - this.plot.top);
        pen.globalAlpha = 1;
      }
      if (this.hover !== null) upright(this.hover, "--dim", []);
      this.readout.textContent = this.hover === null ? "" : this.at(this.nearest(this.images(this.hover)));
    }

    nearest(images) {
      const xs = this.store ? this.store.points.images : [];
      const after = lab.curve.lowerBound(xs, images);
      return after > 0 && (after >= xs.length || images - xs[after - 1] < xs[after] - images) ? after - 1 : after;
    }

    at(index) {
      const points = this.store ? this.store.points : null;
      if (!points || index >= points.images.length) return "";
      const parts = [`${lab.curve.kimg(points.images[index])} kimg`];
      if (Number.isFinite(points.epoch[index])) parts.push(`epoch ${Math.floor(points.epoch[index])}`);
      for (const series of SERIES) {
        if (this.shown.get(series.key)) parts.push(`${series.name} ${lab.curve.digits(points[series.key][index])}`);
      }
      return parts.join(" · ");
    }

    summary() {
      const last = this.store ? this.store.points.images.length - 1 : -1;
      return last < 0 ? "Losses: nothing yet" : `Losses at ${this.at(last)}`;
    }

    point(images) {
      if (!this.store) return;
      this.cursor = Math.max(0, images);
      this.drawOver();
      document.dispatchEvent(new CustomEvent("lab:cursor", { detail: { run: this.store.run, images_seen: this.cursor, from: "chart" } }));
    }

    download() {
      if (!this.store) return;
      const points = this.store.points;
      const rows = points.images.map((_, i) => COLUMNS.map((key) => (Number.isFinite(points[key][i]) ? points[key][i] : "")).join(","));
      const table = new Blob([[HEADINGS.join(","), ...rows, ""].join("\r\n")], { type: "text/csv" });
      const link = make("a", { href: URL.createObjectURL(table), download: `${this.store.run}-losses.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }
  }

  function fill(root) {
    const legend = SERIES.map((series) => make("button", {
      type: "button", class: "lab-chart-series", "data-series": series.key, title: series.help,
    }, make("i", { style: `background: var(${series.token})` }), series.name));
    root.append(
      make("div", { class: "lab-chart-head" },
        make("h3", {}, "Losses"), ...legend, make("span", { class: "lab-chart-gap" }),
        make("label", { title: "Average over past ticks: 0 shows every tick, .99 only the trend. The faint line is never smoothed." },
          "smoothing ", make("output", { class: "lab-chart-smoothing-value" }),
          make("input", { type: "range", min: 0, max: 0.99, step: 0.01, class: "lab-chart-smoothing", "aria-label": "Smoothing" })),
        make("button", { type: "button", class: "lab-chart-log", "aria-pressed": "false", title: "Logarithmic axis; values at or below zero are left out" }, "log"),
        make("button", { type: "button", class: "lab-chart-all", title: "Show the whole run (double-click does it too)" }, "whole run"),
        make("button", { type: "button", class: "lab-chart-csv", title: "Save all ticks as a table" }, "CSV")),
      make("div", { class: "lab-chart-plot" },
        make("canvas", { class: "lab-chart-base", role: "img", "aria-label": "Losses: nothing yet" }),
        make("canvas", { class: "lab-chart-over", tabindex: 0, "aria-label": "Zoom with + and -, 0 shows the whole run. Drag zooms, shift-drag moves, a click moves the sheets." }),
        make("p", { class: "lab-chart-readout" }), make("p", { class: "lab-chart-note", role: "status" })));
  }

  function mount(element) {
    const root = lab.feed.claim(element, "chart", "Losses");
    if (!root) return;
    fill(root);
    root.chart = new Chart(root);
    lab.feed.onRun(root, (run) => root.chart.show(run));
    root.chart.draw();
  }

  lab.chart = { mount };
})();
