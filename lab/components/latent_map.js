// The map of a latent space: a window of images that one drags, with the images changing as the place below them does.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const { paint } = lab.latentCells;
  const WISHED_PX = 96; // side of an image on the page
  const GAP_PX = 3;
  const MOST = { columns: 12, rows: 6 };
  const FEW = { columns: 3, rows: 2 }; // of a network that takes long
  const NEAREST = 1 / 16; // seeds between two images; a position is kept to four digits
  const CLICK_PX = 4;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let count = 0;

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const exact = (value) => Math.round(value * 1e4) / 1e4;

  class LatentMap {
    // `moved(dragging)` when other images are wanted, `chosen()` when another one is selected, `act(verb)` for a key.
    constructor({ moved, chosen, act }) {
      Object.assign(this, { moved, chosen, act });
      this.name = `lab-latent-${(count += 1)}`;
      this.cells = [];
      this.few = false;
      this.home();
      this.frame = make("div", { class: "lab-latent-frame", role: "grid", tabindex: 0, "aria-label": "Map of the latent space. Arrow keys move over it, with Shift they select an image; plus and minus change the distance, Home shows seeds, Enter keeps the image." });
      this.root = make("div", { class: "lab-latent-map" }, this.frame);
      this.frame.addEventListener("keydown", (event) => this.key(event));
      this.gestures();
    }

    // The window as the engine is asked for it.
    get wanted() {
      return { kind: "window", seed: this.seed, x: this.x, y: this.y, step: this.step, columns: this.columns, rows: this.rows };
    }

    home(seed = 0) {
      Object.assign(this, { seed, x: 0, y: 0, step: 1, at: 0, shown: null });
      if (this.cells.length) this.select(0);
    }

    // As many images as there is room for; whether there is any.
    fit() {
      const { clientWidth: width, clientHeight: height } = this.root;
      if (!width || !height) return false;
      const most = this.few ? FEW : MOST;
      const fitting = (room, limit) => Math.max(1, Math.min(limit, Math.floor((room + GAP_PX) / (WISHED_PX + GAP_PX))));
      const [columns, rows] = [fitting(width, most.columns), fitting(height, most.rows)];
      this.side = Math.floor(Math.min((width + GAP_PX) / columns, (height + GAP_PX) / rows)) - GAP_PX;
      this.frame.style.setProperty("--side", `${this.side}px`);
      if (columns === this.columns && rows === this.rows) return true;
      Object.assign(this, { columns, rows, shown: null });
      this.frame.style.setProperty("--columns", String(columns));
      this.build();
      return true;
    }

    build() {
      this.at = Math.min(this.at, this.columns * this.rows - 1);
      const lines = [];
      this.cells = [];
      for (let row = 0; row < this.rows; row += 1) {
        const cells = Array.from({ length: this.columns }, (_, column) => make("div", { class: "lab-latent-cell", role: "gridcell", id: `${this.name}-${row}-${column}` }, make("canvas", { width: 1, height: 1 }), make("i", { "aria-hidden": "true" })));
        this.cells.push(...cells);
        lines.push(make("div", { role: "row" }, ...cells));
      }
      this.frame.replaceChildren(...lines);
      this.select(this.at);
    }

    // While it is dragged only the pictures change: what is said of them follows when it stands still.
    show(said, dragging = false) {
      if (said.cells.length !== this.cells.length) return; // asked for before the window changed its size
      this.shown = said;
      this.cells.forEach((cell, n) => paint(cell.firstChild, said, n));
      if (dragging) return;
      this.cells.forEach((cell, n) => {
        cell.setAttribute("aria-label", lab.latentCells.named(said.cells[n]));
        cell.toggleAttribute("data-seed", lab.latentCells.isSeed(said.cells[n].place));
      });
      this.chosen();
    }

    // The selected image: its place and its picture; null before the first answer.
    get selected() {
      return this.shown ? { ...this.shown.cells[this.at], canvas: this.cells[this.at].firstChild } : null;
    }

    select(at) {
      this.at = Math.max(0, Math.min(this.cells.length - 1, at));
      this.cells.forEach((cell, n) => cell.setAttribute("aria-selected", String(n === this.at)));
      if (this.cells[this.at]) this.frame.setAttribute("aria-activedescendant", this.cells[this.at].id);
      this.chosen();
    }

    unselect() {
      for (const cell of this.cells) cell.setAttribute("aria-selected", "false");
    }

    // Marks are drawn on cells: which are kept, which are the ends of the strip.
    mark(markOf) {
      this.cells.forEach((cell, n) => {
        const text = this.shown ? markOf(this.shown.cells[n].place) : "";
        if (cell.lastChild.textContent !== text) cell.lastChild.textContent = text;
      });
    }

    move(x, y, dragging = false) {
      [this.x, this.y] = [exact(x), exact(y)];
      this.moved(dragging);
    }

    // Nearer or farther, about the selected image, which stays where it is.
    zoom(factor) {
      const step = Math.max(NEAREST, Math.min(1, this.step * factor));
      const [column, row] = [this.at % this.columns, Math.floor(this.at / this.columns)];
      const [x, y] = [this.x + column * (this.step - step), this.y + row * (this.step - step)];
      if (step === this.step) return;
      this.step = step;
      this.move(x, y);
    }

    // Only seeds, with the one nearest to the selected image in its place.
    toSeeds() {
      const [column, row] = [this.at % this.columns, Math.floor(this.at / this.columns)];
      const [x, y] = [Math.round(this.x + column * this.step) - column, Math.round(this.y + row * this.step) - row];
      this.step = 1;
      this.move(x, y);
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const arrow = ARROWS[event.key];
      const does = {
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), Home: () => this.toSeeds(),
        Enter: () => this.act("keep"), " ": () => this.act("keep"), a: () => this.act("first"), b: () => this.act("second"),
      }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!arrow && !does) return;
      event.preventDefault();
      event.stopPropagation();
      if (does) does();
      else if (event.shiftKey) this.beside(arrow);
      else this.move(this.x + arrow[0] * this.step, this.y + arrow[1] * this.step);
    }

    beside([across, down]) {
      const [column, row] = [(this.at % this.columns) + across, Math.floor(this.at / this.columns) + down];
      if (column >= 0 && column < this.columns && row >= 0 && row < this.rows) this.select(row * this.columns + column);
    }

    gestures() {
      let from = null;
      this.frame.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        from = { px: event.clientX, py: event.clientY, x: this.x, y: this.y, far: false, cell: event.target.closest(".lab-latent-cell") };
        this.frame.setPointerCapture(event.pointerId);
      });
      this.frame.addEventListener("pointermove", (event) => {
        if (!from) return;
        const [across, down] = [event.clientX - from.px, event.clientY - from.py];
        from.far = from.far || Math.hypot(across, down) > CLICK_PX;
        if (!from.far) return;
        this.root.dataset.dragging = "";
        const seeds = this.step / (this.side + GAP_PX);
        this.move(from.x - across * seeds, from.y - down * seeds, true);
      });
      const drop = () => {
        if (!from) return;
        const { far, cell } = from;
        from = null;
        delete this.root.dataset.dragging;
        if (far) this.moved(false);
        else if (cell) this.select(this.cells.indexOf(cell));
      };
      this.frame.addEventListener("pointerup", drop);
      this.frame.addEventListener("pointercancel", drop);
      this.frame.addEventListener("dblclick", () => this.act("keep"));
    }

    slow(yes) {
      if (yes === this.few) return;
      this.few = yes;
      this.columns = 0; // laid out anew
    }
  }

  lab.LatentMap = LatentMap;
})();
