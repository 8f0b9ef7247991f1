// Images: how a number of single images is spread, beside what new patients' images score; a bar shows its images.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  const BINS = 30;
  const AT_ONCE = 48; // thumbnails; more come when they are asked for
  const SIDE = 128;
  const SVG = "http://www.w3.org/2000/svg";

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const digits = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3));

  // Counts of numbers in BINS equal bins over all that is shown.
  function spread(values, unseen, unit) {
    const all = [...values, ...unseen].filter(Number.isFinite);
    let low = Math.min(...all);
    let high = Math.max(...all);
    if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
    if (unit === "percentile") [low, high] = [0, 100];
    const bin = (value) => Math.min(BINS - 1, Math.max(0, Math.floor((BINS * (value - low)) / (high - low))));
    const members = Array.from({ length: BINS }, () => []);
    values.forEach((value, index) => Number.isFinite(value) && members[bin(value)].push(index));
    const real = new Array(BINS).fill(0);
    for (const value of unseen) real[bin(value)] += 1;
    return { low, high, members, real, edge: (place) => low + ((high - low) * place) / BINS };
  }

  class Images {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.choice = make("select", { "aria-label": "Number of each image", title: "Which number of the single images" });
      this.choice.addEventListener("change", () => this.read(this.choice.value));
      tools.append(make("span", { class: "lab-measured-key" }, make("i", { class: "synthetic" }), "synthetic"),
        this.key = make("span", { class: "lab-measured-key" }, make("i", { class: "real line" }), this.keyText = make("span", {})), this.choice);
      this.bars = make("div", { class: "lab-images-bars", role: "group", "aria-label": "Histogram: each bar is a button that shows its images" });
      this.axis = make("div", { class: "lab-images-axis", "aria-hidden": "true" });
      this.plot = make("div", { class: "lab-images-plot" }, this.bars, this.axis);
      this.words = make("p", { class: "lab-images-words", role: "status" });
      this.grid = make("ul", { class: "lab-images-grid", "aria-label": "Images of the bar" });
      this.more = make("button", { type: "button", class: "lab-button", hidden: true });
      this.more.addEventListener("click", () => this.page());
      root.append(this.plot, this.words, this.grid, this.more);
      this.bars.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const buttons = [...this.bars.querySelectorAll("button")];
        const next = buttons[buttons.indexOf(document.activeElement) + step];
        if (!step || !next) return;
        event.preventDefault();
        next.focus();
      });
    }

    show(data) {
      const { columns = [] } = data;
      this.plot.hidden = this.choice.hidden = !columns.length;
      this.key.hidden = true;
      if (!columns.length) {
        this.of = "";
        this.clear();
        this.words.textContent = data.live ? "Single images are shown when the measurement is done."
          : "No number of single images was measured. Tick Realism, PSNR, SSIM or Copies in the middle, and press Measure.";
        return;
      }
      const known = columns.some((column) => column.name === this.name);
      this.choice.replaceChildren(...columns.map((column) => make("option", { value: column.name }, column.title)));
      this.read(known ? this.name : columns[0].name);
    }

    clear() {
      this.grid.replaceChildren();
      this.more.hidden = true;
    }

    async read(name) {
      this.name = name;
      this.choice.value = name;
      const of = `${this.hub.shown}/${name}`;
      if (of === this.of) return; // drawn, or on its way
      this.of = of;
      let found;
      try {
        found = await this.hub.column(name);
      } catch (error) {
        if (of !== this.of) return;
        this.of = "";
        this.clear();
        this.words.textContent = [error.words, error.advice].filter(Boolean).join(" ");
        return;
      }
      if (of !== this.of) return;
      this.found = found;
      this.key.hidden = !found.unseen.length;
      this.keyText.textContent = "real";
      this.key.title = `${found.compared_with}, scaled to as many as the synthetic ones`;
      this.draw();
    }

    draw() {
      const { values, unseen, unit, threshold, title } = this.found;
      this.spread = spread(values, unseen, unit);
      const scaled = this.spread.real.map((count) => (unseen.length ? (count * values.length) / unseen.length : 0)); // as many as there are synthetic ones
      const most = Math.max(1, ...scaled, ...this.spread.members.map((members) => members.length));
      const bars = this.spread.members.map((members, place) => {
        const words = `${digits(this.spread.edge(place))} to ${digits(this.spread.edge(place + 1))}${unit ? ` ${unit}` : ""}: ${members.length} synthetic${unseen.length ? `, ${this.spread.real[place]} of ${unseen.length} real` : ""}`;
        const bar = make("i", {});
        bar.style.height = `${members.length ? Math.max(1.5, (100 * members.length) / most) : 0}%`;
        const button = make("button", { type: "button", title: words, "aria-label": words, "aria-pressed": "false", "data-count": members.length, disabled: !members.length }, bar);
        button.addEventListener("click", () => this.choose(place));
        return button;
      });
      this.bars.replaceChildren(...bars, ...(unseen.length ? [this.outline(scaled, most)] : []));
      if (threshold !== null && threshold > this.spread.low && threshold < this.spread.high) {
        const line = make("b", { class: "lab-images-threshold", title: `Copies lie right of ${digits(threshold)}` }, make("span", {}, "copies →"));
        line.style.left = `${(100 * (threshold - this.spread.low)) / (this.spread.high - this.spread.low)}%`;
        this.bars.append(line);
      }
      const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => make("span", {}, digits(this.spread.low + part * (this.spread.high - this.spread.low))));
      this.axis.replaceChildren(...ticks);
      this.axis.dataset.unit = `${title}${unit ? ` [${unit}]` : ""}`;
      this.clear();
      this.words.textContent = "Press a bar to see its images.";
    }

    // The real images' histogram as a line of steps over the bars, which stay free to be pressed.
    outline(counts, most) {
      const drawing = document.createElementNS(SVG, "svg");
      for (const [key, value] of [["viewBox", "0 0 100 100"], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) drawing.setAttribute(key, value);
      const line = document.createElementNS(SVG, "polyline");
      const points = counts.flatMap((count, place) => {
        const y = (100 - (100 * count) / most).toFixed(2);
        return [`${((100 * place) / BINS).toFixed(2)},${y}`, `${((100 * (place + 1)) / BINS).toFixed(2)},${y}`];
      });
      line.setAttribute("points", ["0,100", ...points, "100,100"].join(" "));
      drawing.append(line);
      return drawing;
    }

    choose(place) {
      const { values, nearest } = this.found;
      [...this.bars.querySelectorAll("button")].forEach((button, other) => button.setAttribute("aria-pressed", String(other === place)));
      this.members = [...this.spread.members[place]].sort((one, other) => values[other] - values[one]);
      const count = this.members.length;
      this.words.textContent = `${count.toLocaleString("en")} ${count === 1 ? "image" : "images"} from ${digits(this.spread.edge(place))} to ${digits(this.spread.edge(place + 1))}, the highest first. Press one to lay it over its nearest real image.`;
      this.pairs = this.members.map((index) => ({ index, nearest: nearest[index], text: `${this.found.title}: ${digits(values[index])}`, laid: this.found.metric === "memorisation" }));
      this.clear();
      if (!this.hub.data.pictures) {
        this.words.textContent += " The images themselves are no longer in the workspace.";
        return;
      }
      this.page();
    }

    page() {
      const from = this.grid.childElementCount;
      const next = this.pairs.slice(from, from + AT_ONCE).map((pair, n) => {
        const value = digits(this.found.values[pair.index]);
        const button = make("button", { type: "button", "data-index": pair.index, title: `Synthetic image ${pair.index}: ${value}` },
          make("img", { src: this.hub.address("synthetic", pair.index, null, SIDE), alt: `Synthetic image ${pair.index}, ${value}`, loading: "lazy", draggable: "false" }), make("span", {}, value));
        button.addEventListener("click", () => lab.wipe(this.hub, this.pairs, from + n));
        return make("li", {}, button);
      });
      this.grid.append(...next);
      const left = this.pairs.length - this.grid.childElementCount;
      this.more.hidden = left <= 0;
      this.more.textContent = `Show ${Math.min(AT_ONCE, left)} more of ${left.toLocaleString("en")}`;
    }
  }

  lab.measuredViews.images = Images;
})();
