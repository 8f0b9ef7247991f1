// Over training: one metric at every checkpoint with its interval, over the band that real images reach; the best one.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  const ROOM = { left: 72, right: 18, top: 14, bottom: 34 }; // pixels around the plot
  const HEIGHT = 250;

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const SVG = "http://www.w3.org/2000/svg";
  function draw(tag, about, text) {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(about)) node.setAttribute(key, String(value));
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // About `count` round numbers from low to high.
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Number(at.toPrecision(12)));
    return found;
  }

  class Training {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.name = "";
      this.choice = make("select", { "aria-label": "Metric", title: "Which metric is drawn" });
      this.choice.addEventListener("change", () => this.pick(this.choice.value));
      this.save = make("button", { type: "button", class: "lab-measured-save", title: "Save this figure as a picture" }, "PNG");
      this.save.addEventListener("click", () => lab.savePicture(this.svg, `${this.run}-${this.name}.png`));
      tools.append(make("span", { class: "lab-measured-key" }, make("i", { class: "synthetic" }), "synthetic, 95 %"),
        make("span", { class: "lab-measured-key" }, make("i", { class: "real" }), "real against real"), this.choice, this.save);
      this.svg = draw("svg", { class: "lab-training-plot", height: HEIGHT, tabindex: 0, role: "slider", "aria-label": "Checkpoint" });
      this.svg.addEventListener("click", (event) => this.point(event));
      this.svg.addEventListener("keydown", (event) => this.key(event));
      this.words = make("p", { class: "lab-training-words", role: "status" });
      this.star = make("button", { type: "button", class: "lab-button", title: "A starred checkpoint is never removed; generate from it on the Export tab" });
      this.star.addEventListener("click", () => this.mark());
      this.go = make("button", { type: "button", class: "lab-button plain", title: "Its losses and sheets on the Train tab" }, "Show on Train");
      this.go.addEventListener("click", () => this.toTrain());
      this.sheet = make("img", { class: "lab-training-sheet", alt: "", draggable: "false", hidden: true });
      this.caption = make("figcaption", {});
      this.figure = make("figure", { class: "lab-training-stage" }, this.sheet, this.caption);
      this.line = make("div", { class: "lab-training-line" }, this.words, this.star, this.go);
      this.empty = make("p", { class: "lab-score-about", role: "status" });
      root.append(this.empty, this.svg, this.line, this.figure);
      new ResizeObserver(() => this.plot()).observe(root);
    }

    show(data) {
      this.data = data;
      const names = new Map();
      for (const row of data.rows) if (Number.isFinite(row.images_seen)) names.set(row.name, row.title);
      const some = names.size > 0;
      for (const part of [this.svg, this.line, this.figure, this.choice, this.save]) part.toggleAttribute("hidden", !some);
      this.empty.hidden = some;
      this.empty.textContent = data.live ? "The first checkpoint is being measured."
        : data.of_run ? "This measurement has no checkpoints." : "A set has no training. Choose a run on the left to see its metrics over the checkpoints.";
      if (!some) return;
      const wanted = [...names].join();
      if (wanted !== this.offered) this.choice.replaceChildren(...[...names].map(([name, title]) => make("option", { value: name }, title)));
      this.offered = wanted;
      if (this.run !== data.synthetic) this.about(data.synthetic);
      this.pick(names.has(this.name) ? this.name : names.has("kid") ? "kid" : names.keys().next().value);
    }

    // The run itself: its sheets and its starred checkpoints.
    async about(run) {
      this.run = run;
      this.known = null;
      this.touched = false; // nobody has chosen a checkpoint of it yet
      try {
        const known = await lab.get(`/lab/run/${encodeURIComponent(run)}`);
        if (run === this.run) this.known = known;
      } catch { /* the run is gone: its numbers stay */ }
      if (this.rows) this.plot();
    }

    pick(name) {
      this.name = name;
      this.choice.value = name;
      this.rows = this.data.rows.filter((row) => row.name === name && Number.isFinite(row.images_seen) && Number.isFinite(row.value)).sort((one, other) => one.images_seen - other.images_seen);
      const best = (this.data.best || {})[name];
      this.best = best || null;
      const seen = this.rows.map((row) => row.images_seen);
      if (!this.touched || !seen.includes(this.at)) this.at = best ? best.images_seen : seen[seen.length - 1];
      this.plot();
    }

    plot() {
      const width = this.svg.clientWidth;
      if (!width || !this.rows || !this.rows.length) return;
      const numbers = this.rows.flatMap((row) => [row.low, row.high, row.value, row.baseline_low, row.baseline_high]).filter(Number.isFinite);
      let [low, high] = [Math.min(...numbers), Math.max(...numbers)];
      if (this.rows[0].better === "lower" && low > 0) low = 0;
      const room = 0.07 * (high - low) || 1;
      [low, high] = [low === 0 ? 0 : low - room, high + room];
      const most = Math.max(...this.rows.map((row) => row.images_seen)) || 1;
      this.x = (images) => ROOM.left + (images / most) * (width - ROOM.left - ROOM.right);
      this.y = (value) => HEIGHT - ROOM.bottom - ((value - low) / (high - low)) * (HEIGHT - ROOM.top - ROOM.bottom);
      this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
      this.svg.replaceChildren(...this.axes(low, high, most, width), ...this.band(width), ...this.points());
      this.say();
    }

    axes(low, high, most, width) {
      const row = this.rows[0];
      const nodes = [];
      for (const value of ticks(low, high, 5)) {
        nodes.push(draw("line", { class: "grid", x1: ROOM.left, x2: width - ROOM.right, y1: this.y(value), y2: this.y(value) }));
        nodes.push(draw("text", { x: ROOM.left - 8, y: this.y(value) + 4, "text-anchor": "end" }, value.toLocaleString("en", { maximumSignificantDigits: 4 })));
      }
      for (const images of ticks(0, most, 6)) nodes.push(draw("text", { x: this.x(images), y: HEIGHT - ROOM.bottom + 16, "text-anchor": "middle" }, String(images / 1000)));
      nodes.push(draw("text", { class: "name", x: (ROOM.left + width - ROOM.right) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, "thousand images seen"));
      nodes.push(draw("text", { class: "name", x: 13, y: (HEIGHT - ROOM.bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 13 ${(HEIGHT - ROOM.bottom) / 2})` }, `${row.title}${row.unit ? ` [${row.unit}]` : ""}`));
      return nodes;
    }

    // What real images reach at the same sizes; the newest checkpoint's, as it hardly moves.
    band(width) {
      const row = this.rows[this.rows.length - 1];
      if (![row.baseline, row.baseline_low, row.baseline_high].every(Number.isFinite)) return [];
      const top = this.y(row.baseline_high);
      return [
        draw("rect", { class: "band", x: ROOM.left, width: width - ROOM.left - ROOM.right, y: top, height: Math.max(1, this.y(row.baseline_low) - top) }),
        draw("line", { class: "base", x1: ROOM.left, x2: width - ROOM.right, y1: this.y(row.baseline), y2: this.y(row.baseline) }),
      ];
    }

    points() {
      const starred = new Set((this.known && this.known.record.starred) || []);
      const nodes = [draw("polyline", { class: "curve", points: this.rows.map((row) => `${this.x(row.images_seen)},${this.y(row.value)}`).join(" ") })];
      nodes.push(draw("line", { class: "cursor", x1: this.x(this.at), x2: this.x(this.at), y1: ROOM.top, y2: HEIGHT - ROOM.bottom }));
      for (const row of this.rows) {
        const x = this.x(row.images_seen);
        if (Number.isFinite(row.low) && Number.isFinite(row.high)) nodes.push(draw("line", { class: "interval", x1: x, x2: x, y1: this.y(row.low), y2: this.y(row.high) }));
        const best = this.best && this.best.images_seen === row.images_seen;
        if (best) nodes.push(draw("circle", { class: "best", cx: x, cy: this.y(row.value), r: 8 }));
        nodes.push(draw("circle", { class: "dot", cx: x, cy: this.y(row.value), r: row.images_seen === this.at ? 5 : 3.5 }));
        if (starred.has(row.images_seen)) nodes.push(draw("text", { class: "star", x, y: ROOM.top + 2, "text-anchor": "middle" }, "★"));
      }
      return nodes;
    }

    row() {
      return this.rows.find((row) => row.images_seen === this.at) || this.rows[this.rows.length - 1];
    }

    // What the chosen checkpoint is worth, and whether it can be called the best.
    say() {
      const row = this.row();
      const parts = [make("b", {}, `${lab.curve.kimg(row.images_seen)} kimg`), ` · ${row.title} ${row.text}${row.unit ? ` ${row.unit}` : ""}. `];
      if (this.best) {
        const rivals = this.best.rivals.map((images) => lab.curve.kimg(images));
        const shown = rivals.length > 4 ? `${rivals.length} other checkpoints` : `${rivals.join(", ")} kimg`;
        const where = `${lab.curve.kimg(this.best.images_seen)} kimg`;
        const verdict = !rivals.length ? `Best by this metric: ${where}.` : `The best value is at ${where}, but it is not distinguishable from ${shown}: the intervals overlap.`;
        parts.push(make("span", { "data-best": rivals.length ? "no" : "yes" }, verdict));
      }
      this.words.replaceChildren(...parts);
      this.svg.setAttribute("aria-valuemin", String(this.rows[0].images_seen));
      this.svg.setAttribute("aria-valuemax", String(this.rows[this.rows.length - 1].images_seen));
      this.svg.setAttribute("aria-valuenow", String(row.images_seen));
      this.svg.setAttribute("aria-valuetext", `${lab.curve.kimg(row.images_seen)} kimg, ${row.title} ${row.text}`);
      const kept = this.known && this.known.checkpoints.includes(row.images_seen);
      const starred = this.known && (this.known.record.starred || []).includes(row.images_seen);
      this.star.disabled = !kept && !starred;
      this.star.textContent = starred ? "★ Starred" : "☆ Star it";
      this.star.setAttribute("aria-pressed", String(Boolean(starred)));
      this.go.disabled = !this.known;
      this.picture(row.images_seen);
    }

    picture(images) {
      const sheets = (this.known && this.known.sheets) || [];
      this.figure.hidden = !sheets.length;
      if (!sheets.length) return;
      const nearest = sheets.reduce((best, sheet) => (Math.abs(sheet - images) < Math.abs(best - images) ? sheet : best));
      const source = lab.sheetAddress(this.run, `samples/${String(nearest).padStart(8, "0")}.webp`);
      if (this.sheet.getAttribute("src") !== source) this.sheet.src = source;
      this.sheet.hidden = false;
      this.sheet.alt = this.caption.textContent = `Sample sheet at ${lab.curve.kimg(nearest)} kimg`;
    }

    see(images) {
      this.touched = true;
      this.at = images;
      this.hub.checkpoint = images;
      this.hub.views.all.scores.drawn = null;
      document.dispatchEvent(new CustomEvent("lab:cursor", { detail: { run: this.run, images_seen: images, from: "explore" } }));
      this.plot();
    }

    point(event) {
      const x = event.clientX - this.svg.getBoundingClientRect().left;
      this.see(this.rows.reduce((best, row) => (Math.abs(this.x(row.images_seen) - x) < Math.abs(this.x(best) - x) ? row.images_seen : best), this.rows[0].images_seen));
    }

    key(event) {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -this.rows.length, End: this.rows.length }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = this.rows.findIndex((row) => row.images_seen === this.at);
      this.see(this.rows[Math.min(this.rows.length - 1, Math.max(0, at + step))].images_seen);
    }

    async mark() {
      const images = this.row().images_seen;
      const on = this.star.getAttribute("aria-pressed") !== "true";
      try {
        const { starred } = await lab.post(`/lab/star/${encodeURIComponent(this.run)}`, { images_seen: images, on });
        if (this.known) this.known.record.starred = starred;
      } catch (error) {
        lab.toast([error.words, error.detail, error.advice].filter(Boolean).join(" "), "error");
      }
      this.plot();
    }

    toTrain() {
      lab.feed.select(this.run, "explore");
      document.getElementById("tab-train-button").click();
      document.dispatchEvent(new CustomEvent("lab:cursor", { detail: { run: this.run, images_seen: this.at, from: "explore" } }));
    }
  }

  lab.measuredViews.training = Training;
})();
