// A chart of a few lines with bands, as SVG: a cursor by pointer or arrow keys tells the value of every line.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const ROOM = { left: 50, right: 12, top: 10, bottom: 36 }; // pixels around the plot
  const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
  const DOT = 3;
  const STEPS = 20; // of the arrow keys, over a line without marks
  const MOST_BANDS = 3; // with more lines bands hide one another: then only the one pointed at has its own
  const KEY = 18; // height of a line of the keys in a saved picture
  const TALLEST = 350; // of a square chart: with its keys and words it fits a small screen

  // The point of a line that lies nearest to x; null where the line does not reach.
  function nearest(points, x) {
    if (!points.length || x < points[0].x - 1e-9 || x > points[points.length - 1].x + 1e-9) return null;
    return points.reduce((best, point) => (Math.abs(point.x - x) < Math.abs(best.x - x) ? point : best));
  }

  const digits = (value) => (Number.isFinite(value) ? value.toFixed(Math.abs(value) >= 10 ? 1 : 3) : "–");

  // lines: {name, colour, dash (number), points: [{x, y, low, high}], dots, steps, strong (the one pointed at in the
  // keys), alone (dots without a line), plain (no value at the cursor)}
  class Chart {
    constructor({ label, height = 280, square = false, choose = null }) {
      const { make, draw } = lab.classifiedParts;
      this.square = square;
      this.choose = choose; // called with x where one presses
      this.height = height;
      this.svg = draw("svg", { class: "lab-chart-plot", tabindex: 0, role: "slider", "aria-label": label, "aria-valuenow": 0, "aria-valuetext": "No value is pointed at" });
      this.read = make("ul", { class: "lab-chart-read", "aria-hidden": "true" });
      this.root = make("div", { class: "lab-chart-box" }, this.svg, this.read);
      this.svg.addEventListener("pointermove", (event) => this.point(this.at(event)));
      this.svg.addEventListener("pointerleave", () => this.point(null));
      this.svg.addEventListener("blur", () => this.point(null));
      this.svg.addEventListener("keydown", (event) => this.key(event));
      this.svg.addEventListener("click", (event) => this.choose && this.choose(this.at(event)));
      new ResizeObserver(() => this.plot()).observe(this.root);
    }

    show(about) {
      this.about = about;
      this.cursor = null;
      this.plot();
    }

    plot() {
      const width = this.root.clientWidth;
      if (!width || !this.about) return;
      const { draw, ticks } = lab.classifiedParts;
      const { x, y, lines, diagonal } = this.about;
      const height = this.square ? Math.min(width, TALLEST) : this.height;
      Object.assign(this, { width, tall: height });
      this.x = (value) => ROOM.left + ((value - x.low) / (x.high - x.low || 1)) * (width - ROOM.left - ROOM.right);
      this.y = (value) => height - ROOM.bottom - ((value - y.low) / (y.high - y.low || 1)) * (height - ROOM.top - ROOM.bottom);
      const nodes = [];
      for (const value of ticks(y.low, y.high, 5)) {
        nodes.push(draw("line", { class: "grid", x1: ROOM.left, x2: width - ROOM.right, y1: this.y(value), y2: this.y(value) }));
        nodes.push(draw("text", { x: ROOM.left - 7, y: this.y(value) + 4, "text-anchor": "end" }, value.toLocaleString("en", { maximumSignificantDigits: 4 })));
      }
      for (const value of x.values || ticks(x.low, x.high, width < 360 ? 4 : 6)) {
        nodes.push(draw("text", { x: this.x(value), y: height - ROOM.bottom + 15, "text-anchor": "middle" }, value.toLocaleString("en", { maximumSignificantDigits: 5 })));
      }
      nodes.push(draw("text", { class: "name", x: (ROOM.left + width - ROOM.right) / 2, y: height - 5, "text-anchor": "middle" }, x.title));
      const middle = (height - ROOM.bottom + ROOM.top) / 2;
      nodes.push(draw("text", { class: "name", x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, y.title));
      if (diagonal) nodes.push(draw("line", { class: "chance", x1: this.x(x.low), y1: this.y(y.low), x2: this.x(x.high), y2: this.y(y.high) }));
      const pointed = lines.some((line) => line.strong);
      for (const line of lines) if (pointed ? line.strong : lines.length <= MOST_BANDS) nodes.push(...this.band(line));
      for (const line of lines) nodes.push(...this.line(line));
      this.mark = draw("line", { class: "cursor", y1: ROOM.top, y2: height - ROOM.bottom, visibility: "hidden" });
      this.svg.setAttribute("height", height);
      this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.svg.replaceChildren(...nodes, this.mark);
      this.svg.setAttribute("aria-valuemin", String(x.low));
      this.svg.setAttribute("aria-valuemax", String(x.high));
      this.point(this.cursor);
    }

    // As a picture, with its keys below it: on the page they stand apart.
    async save(name) {
      const { draw } = lab.classifiedParts;
      const height = this.tall + KEY * this.about.lines.length + 6;
      this.point(null);
      this.about.lines.forEach(({ name: title, colour, dash = 0 }, n) => {
        const y = this.tall + KEY * (n + 0.5);
        const sample = draw("line", { class: "curve", x1: ROOM.left, x2: ROOM.left + 24, y1: y, y2: y });
        sample.style.stroke = colour;
        sample.style.strokeDasharray = DASHES[dash % DASHES.length];
        this.svg.append(sample, draw("text", { x: ROOM.left + 32, y: y + 4 }, title));
      });
      this.svg.setAttribute("height", height);
      this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
      try {
        await lab.savePicture(this.svg, name);
      } finally {
        this.plot();
      }
    }

    band({ points, colour }) {
      const known = points.filter((point) => Number.isFinite(point.low) && Number.isFinite(point.high));
      if (known.length < 2) return [];
      const up = known.map((point) => `${this.x(point.x)},${this.y(point.high)}`);
      const down = known.map((point) => `${this.x(point.x)},${this.y(point.low)}`).reverse();
      const node = lab.classifiedParts.draw("polygon", { class: "band", points: [...up, ...down].join(" ") });
      node.style.fill = colour;
      return [node];
    }

    line({ points, colour, dash = 0, dots, steps, strong, alone }) {
      const { draw } = lab.classifiedParts;
      const nodes = [];
      const path = points.flatMap((point, n) => (steps && n ? [`${this.x(point.x)},${this.y(points[n - 1].y)}`] : []).concat(`${this.x(point.x)},${this.y(point.y)}`));
      if (!alone) {
        const curve = draw("polyline", { class: "curve", points: path.join(" ") });
        curve.style.stroke = colour;
        curve.style.strokeDasharray = DASHES[dash % DASHES.length];
        if (strong) curve.style.strokeWidth = "3";
        nodes.push(curve);
      }
      for (const point of dots ? points : []) {
        const dot = draw("circle", { class: "dot", cx: this.x(point.x), cy: this.y(point.y), r: point.r || DOT });
        dot.style.fill = point.hollow ? "none" : colour;
        dot.style.stroke = colour;
        nodes.push(dot);
      }
      return nodes;
    }

    at(event) {
      const { x } = this.about;
      const part = (event.clientX - this.svg.getBoundingClientRect().left - ROOM.left) / (this.width - ROOM.left - ROOM.right);
      return Math.min(x.high, Math.max(x.low, x.low + part * (x.high - x.low)));
    }

    // Lines with marks are asked at their marks only.
    point(value) {
      if (!this.about || !this.mark) return;
      const marked = this.about.lines.filter((line) => line.dots && !line.plain).flatMap((line) => line.points);
      if (value !== null && marked.length) value = marked.reduce((best, point) => (Math.abs(point.x - value) < Math.abs(best - value) ? point.x : best), marked[0].x);
      this.cursor = value;
      this.mark.setAttribute("visibility", value === null ? "hidden" : "visible");
      this.read.hidden = value === null;
      if (value === null) return;
      this.mark.setAttribute("x1", this.x(value));
      this.mark.setAttribute("x2", this.x(value));
      const { make } = lab.classifiedParts;
      const { x, lines } = this.about;
      const told = lines.filter((line) => !line.plain).flatMap((line) => {
        const point = nearest(line.points, value);
        if (!point || (line.dots && Math.abs(point.x - value) > 1e-9)) return [];
        const interval = Number.isFinite(point.low) && Number.isFinite(point.high) ? ` [${digits(point.low)}, ${digits(point.high)}]` : "";
        return [[line, `${digits(point.y)}${interval}${point.text ? ` · ${point.text}` : ""}`]];
      });
      const where = `${x.title} ${x.whole ? value.toLocaleString("en") : digits(value)}`;
      this.read.replaceChildren(make("li", {}, make("b", {}, where)), ...told.map(([line, text]) => {
        const key = make("i", {});
        key.style.background = line.colour;
        return make("li", {}, key, make("span", {}, line.name), make("em", {}, text));
      }));
      this.svg.setAttribute("aria-valuenow", String(value));
      this.svg.setAttribute("aria-valuetext", [where, ...told.map(([line, text]) => `${line.name} ${text}`)].join("; "));
      const left = this.x(value) > this.width / 2;
      this.read.style.left = left ? `${ROOM.left + 6}px` : "auto";
      this.read.style.right = left ? "auto" : `${ROOM.right + 6}px`;
    }

    key(event) {
      const { x, lines } = this.about;
      if (event.key === "Enter" && this.choose && this.cursor !== null) return this.choose(this.cursor);
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return undefined;
      event.preventDefault();
      const marks = [...new Set(lines.filter((line) => line.dots && !line.plain).flatMap((line) => line.points.map((point) => point.x)))].sort((one, other) => one - other);
      if (!marks.length) return this.point(Math.min(x.high, Math.max(x.low, (this.cursor === null ? x.low - step * 1e-9 : this.cursor) + (step * (x.high - x.low)) / STEPS)));
      const at = marks.indexOf(this.cursor);
      return this.point(marks[Math.min(marks.length - 1, Math.max(0, at + step))]);
    }
  }

  // The keys of the lines: buttons that hide and show them; the one pointed at is drawn with its band.
  // entries: [{name, colour, dash, title}]
  class Legend {
    constructor(label, redraw) {
      const { make } = lab.classifiedParts;
      this.redraw = redraw;
      this.off = new Set();
      this.strong = "";
      this.root = make("div", { class: "lab-chart-keys", role: "group", "aria-label": label });
    }

    show(entries) {
      const { make, draw } = lab.classifiedParts;
      const wanted = JSON.stringify(entries);
      if (wanted === this.shown) return;
      this.shown = wanted;
      this.root.replaceChildren(...entries.map(({ name, colour, dash = 0, title }) => {
        const sample = draw("svg", { width: 20, height: 8, "aria-hidden": "true" });
        const line = draw("line", { x1: 0, x2: 20, y1: 4, y2: 4, "stroke-width": 2.4 });
        line.style.stroke = colour;
        line.style.strokeDasharray = DASHES[dash % DASHES.length];
        sample.append(line);
        const key = make("button", { type: "button", "aria-pressed": String(!this.off.has(name)), title: `Show or hide: ${title}`, "data-name": name }, sample, make("span", {}, title));
        key.addEventListener("click", () => {
          if (!this.off.delete(name)) this.off.add(name);
          key.setAttribute("aria-pressed", String(!this.off.has(name)));
          this.redraw();
        });
        const strengthen = (wanted) => {
          if (wanted === this.strong) return;
          this.strong = wanted;
          this.redraw();
        };
        for (const event of ["pointerenter", "focus"]) key.addEventListener(event, () => strengthen(name));
        for (const event of ["pointerleave", "blur"]) key.addEventListener(event, () => strengthen(""));
        return key;
      }));
    }
  }

  lab.classifiedChart = { Chart, Legend };
})();
