// Map: every image a point, near those that it resembles; a lasso, or a list of those that stand alone, shows images.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  const SETS = [["real", "real"], ["held_out", "held-out real"], ["synthetic", "synthetic"]];
  const TITLES = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };
  const REAL = 0;
  const HELD_OUT = 1;
  const SYNTHETIC = 2;
  const AT_ONCE = 48;
  const SIDE = 128;
  const MARGIN = 14;
  const NEAR = 12; // pixels to the point that a click means

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const many = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  // Whether a point lies in a closed line of points: an odd number of its sides lies to the right.
  function inside(x, y, line) {
    let odd = false;
    for (let n = 0, before = line.length - 1; n < line.length; before = n, n += 1) {
      const [ax, ay] = line[n];
      const [bx, by] = line[before];
      if ((ay > y) !== (by > y) && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  }

  class MapView {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.off = new Set(); // sets that are not drawn
      this.projection = make("select", { "aria-label": "Projection", title: "PCA keeps distances roughly. t-SNE and UMAP show groups; how far groups lie apart, and how large they are, means little there." });
      this.projection.addEventListener("change", () => this.place());
      this.colour = make("select", { "aria-label": "Colour by", title: "What the colours mean" }, make("option", { value: "set" }, "colour by set"), make("option", { value: "class" }, "colour by class"));
      this.colour.addEventListener("change", () => this.draw());
      this.keys = SETS.map(([name, title], set) => {
        const key = make("button", { type: "button", class: `lab-map-key ${name}`, "aria-pressed": "true", title: `Show or hide: ${title}` }, make("i", {}), title);
        key.addEventListener("click", () => {
          if (!this.off.delete(set)) this.off.add(set);
          key.setAttribute("aria-pressed", String(!this.off.has(set)));
          this.draw();
        });
        return key;
      });
      tools.append(...this.keys, this.colour, this.projection);
      this.canvas = make("canvas", { class: "lab-map-canvas", role: "img", "aria-label": "Map: nothing yet" });
      this.classes = make("p", { class: "lab-map-classes" });
      this.outliers = make("button", { type: "button", class: "lab-button" });
      this.unreached = make("button", { type: "button", class: "lab-button" });
      this.outliers.addEventListener("click", () => this.list(this.apart(SYNTHETIC), "synthetic images farther from any real one than 99 % of real ones are from other patients'"));
      this.unreached.addEventListener("click", () => this.list(this.apart(REAL), "real images without a synthetic one among their five nearest real neighbours' distance"));
      this.words = make("p", { class: "lab-map-words", role: "status" });
      this.grid = make("ul", { class: "lab-images-grid", "aria-label": "Chosen images" });
      this.more = make("button", { type: "button", class: "lab-button", hidden: true });
      this.more.addEventListener("click", () => this.page());
      this.box = make("div", { class: "lab-map-box" }, this.canvas, this.classes);
      root.append(this.box, make("div", { class: "lab-map-lists" }, this.outliers, this.unreached, this.words), this.grid, this.more);
      this.gestures();
      new ResizeObserver(() => this.draw()).observe(this.canvas);
      const theme = () => (root.isConnected ? this.draw() : document.removeEventListener("lab:theme", theme));
      document.addEventListener("lab:theme", theme);
    }

    async show(data) {
      const of = data.map ? this.hub.shown : "";
      this.box.hidden = !of;
      this.outliers.hidden = this.unreached.hidden = this.projection.hidden = this.colour.hidden = !of;
      for (const key of this.keys) key.hidden = !of;
      this.of = of;
      this.found = null;
      this.clear();
      if (!of) {
        this.words.textContent = data.live ? "The map is drawn when the measurement is done." : "No map was made. Choose one in the middle, under “All settings”, and press Measure.";
        return;
      }
      this.words.textContent = "Reading.";
      let found;
      try {
        found = await lab.get(`/lab/evaluation/${encodeURIComponent(of)}/map`);
      } catch (error) {
        this.words.textContent = [error.words, error.advice].filter(Boolean).join(" ");
        return;
      }
      if (of !== this.of) return;
      this.found = found;
      const before = this.projection.value;
      this.projection.replaceChildren(...found.projections.map((name) => make("option", { value: name }, TITLES[name])));
      this.projection.value = found.projections.includes(before) ? before : found.projections[found.projections.length - 1];
      const count = (set) => found.sets.filter((one) => one === set).length;
      SETS.forEach((_, set) => { this.keys[set].hidden = !count(set); });
      this.colour.hidden = found.classes.length < 2;
      this.outliers.textContent = many(this.apart(SYNTHETIC).length, "outlier");
      this.outliers.disabled = !this.apart(SYNTHETIC).length;
      this.unreached.textContent = `${this.apart(REAL).length.toLocaleString("en")} unreached real`;
      this.unreached.disabled = !this.apart(REAL).length;
      this.canvas.setAttribute("aria-label", `Map of ${many(count(REAL), "real image")}, ${many(count(SYNTHETIC), "synthetic image")}: ${this.outliers.textContent}, ${this.unreached.textContent}`);
      this.words.textContent = "Draw a line around points, or press one, to see the images.";
      this.place();
    }

    apart(set) {
      return this.found.apart.flatMap((alone, n) => (alone && this.found.sets[n] === set ? [n] : []));
    }

    // Where the points lie in the plot, from 0 to 1.
    place() {
      const name = this.projection.value;
      const scaled = (values) => {
        const low = Math.min(...values);
        const room = Math.max(...values) - low || 1;
        return values.map((value) => (value - low) / room);
      };
      this.at = [scaled(this.found[`${name}_x`]), scaled(this.found[`${name}_y`]).map((value) => 1 - value)];
      this.draw();
    }

    // In pixels of the plot.
    pixel(n) {
      const { width, height } = this.size;
      return [MARGIN + this.at[0][n] * (width - 2 * MARGIN), MARGIN + this.at[1][n] * (height - 2 * MARGIN)];
    }

    draw() {
      if (!this.found || !this.at || !this.canvas.offsetParent) return;
      const sharp = window.devicePixelRatio || 1;
      this.size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
      this.canvas.width = this.size.width * sharp;
      this.canvas.height = this.size.height * sharp;
      const brush = this.canvas.getContext("2d");
      brush.scale(sharp, sharp);
      const style = getComputedStyle(this.canvas);
      const ofSet = ["--real", "--real", "--synthetic"].map((name) => style.getPropertyValue(name).trim());
      const ofClass = ["--run-a", "--run-b", "--run-c", "--run-d"].map((name) => style.getPropertyValue(name).trim());
      const byClass = this.colour.value === "class" && !this.colour.hidden;
      this.classes.replaceChildren(...(byClass ? this.found.classes.map((name, n) => {
        const key = make("span", {}, make("i", {}), name || "without a class");
        key.firstChild.style.background = ofClass[n % ofClass.length];
        return key;
      }) : []));
      // Synthetic ones last: they are what one looks for.
      for (const set of [REAL, HELD_OUT, SYNTHETIC]) {
        if (this.off.has(set)) continue;
        for (let n = 0; n < this.found.sets.length; n += 1) if (this.found.sets[n] === set) this.point(brush, n, set, byClass ? ofClass[this.found.labels[n] % ofClass.length] : ofSet[set]);
      }
      if (this.line) {
        brush.beginPath();
        this.line.forEach(([x, y], n) => (n ? brush.lineTo(x, y) : brush.moveTo(x, y)));
        brush.closePath();
        brush.strokeStyle = style.getPropertyValue("--action");
        brush.lineWidth = 1.5;
        brush.stroke();
      }
    }

    // Sets differ in form too: discs, rings and squares are told apart without colours.
    point(brush, n, set, colour) {
      const [x, y] = this.pixel(n);
      const chosen = this.chosen && this.chosen.has(n);
      brush.globalAlpha = this.chosen && !chosen ? 0.25 : 0.8;
      brush.fillStyle = brush.strokeStyle = colour;
      const reach = chosen ? 4 : 2.6;
      brush.beginPath();
      if (set === SYNTHETIC) brush.rect(x - reach, y - reach, 2 * reach, 2 * reach);
      else brush.arc(x, y, reach, 0, 2 * Math.PI);
      if (set === HELD_OUT) brush.stroke();
      else brush.fill();
      brush.globalAlpha = 1;
    }

    gestures() {
      const at = (event) => {
        const box = this.canvas.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
      };
      this.canvas.addEventListener("pointerdown", (event) => {
        if (!this.found || event.button) return;
        this.canvas.setPointerCapture(event.pointerId);
        this.line = [at(event)];
      });
      this.canvas.addEventListener("pointermove", (event) => {
        if (!this.line || !this.canvas.hasPointerCapture(event.pointerId)) return;
        this.line.push(at(event));
        this.draw();
      });
      const drop = (event) => {
        if (!this.line || event.type === "pointercancel") {
          this.line = null;
          return;
        }
        const { line } = this;
        const size = Math.max(...line.map(([x, y]) => Math.hypot(x - line[0][0], y - line[0][1])));
        this.line = null;
        if (size < NEAR / 2) this.press(line[0]);
        else this.lasso(line);
      };
      this.canvas.addEventListener("pointerup", drop);
      this.canvas.addEventListener("pointercancel", drop);
    }

    drawn() {
      return this.found.sets.flatMap((set, n) => (this.off.has(set) ? [] : [n]));
    }

    lasso(line) {
      this.list(this.drawn().filter((n) => inside(...this.pixel(n), line)), "images inside the line");
    }

    press([x, y]) {
      const far = (n) => Math.hypot(this.pixel(n)[0] - x, this.pixel(n)[1] - y);
      const near = this.drawn().filter((n) => far(n) <= NEAR).sort((one, other) => far(one) - far(other));
      if (near.length) this.list(near.slice(0, 12), "images at this place");
      else this.clear("Draw a line around points, or press one, to see the images.");
    }

    clear(words) {
      this.chosen = null;
      this.members = [];
      this.grid.replaceChildren();
      this.more.hidden = true;
      if (words) this.words.textContent = words;
      this.draw();
    }

    list(members, what) {
      this.clear();
      const counts = SETS.map(([, title], set) => [title, members.filter((n) => this.found.sets[n] === set).length]).filter(([, count]) => count);
      this.words.textContent = members.length ? `${counts.map(([title, count]) => `${count.toLocaleString("en")} ${title}`).join(", ")}: ${what}.` : `No ${what}.`;
      if (!members.length) return;
      this.members = members;
      this.chosen = new Set(members);
      this.draw();
      if (this.hub.data.pictures) this.page();
      else this.words.textContent += " The images themselves are no longer in the workspace.";
    }

    page() {
      const from = this.grid.childElementCount;
      this.grid.append(...this.members.slice(from, from + AT_ONCE).map((n) => {
        const [kind, title] = SETS[this.found.sets[n]];
        const label = this.found.classes[this.found.labels[n]];
        const words = `${title} ${this.found.index[n]}${label ? ` · ${label}` : ""}`;
        return make("li", { class: `lab-map-image ${kind}`, title: words },
          make("img", { src: this.hub.address(kind, this.found.index[n], null, SIDE), alt: words, loading: "lazy", draggable: "false" }), make("span", {}, words));
      }));
      const left = this.members.length - this.grid.childElementCount;
      this.more.hidden = left <= 0;
      this.more.textContent = `Show ${Math.min(AT_ONCE, left)} more of ${left.toLocaleString("en")}`;
    }
  }

  lab.measuredViews.map = MapView;
})();
