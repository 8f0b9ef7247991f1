// Grid of candidates, doubtful first. Only what is on screen exists, so ten thousand images scroll like fifty.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const TILE = { width: 132, gap: 8, caption: 26 };

  function build(element) {
    const { el } = lab;
    const scroller = el("div", { class: "lab-scroller", "data-scroller": true, tabindex: "-1" }, [
      el("div", { class: "lab-canvas", "data-canvas": true, role: "listbox", "aria-label": "Candidates" }),
      el("p", { class: "lab-grid-empty", "data-empty": true }),
    ]);
    const part = lab.root(element);
    part.classList.add("lab-grid", "lab-show-outline");
    part.replaceChildren();
    lab.gridHead.build(part);
    part.append(el("div", { class: "lab-grid-problem", role: "status", "data-problem": true }), scroller);
    return part;
  }

  class Grid {
    constructor(element) {
      this.desk = lab.curation;
      this.element = element;
      this.root = build(element);
      this.find = (selector) => element.querySelector(selector);
      this.scroller = this.find("[data-scroller]");
      this.canvas = this.find("[data-canvas]");
      this.parts = new Map(); // place in the order -> part on screen
      this.spare = [];
      this.order = [];
      this.current = 0;
      this.sort = "near";
      this.filter = "all"; // a name of lab.gridOrder.FILTERS
      this.only = null; // {text, has}: images that stand in for the filter
      this.stale = false; // the order is no longer what it would be now
      this.columns = 1;
      this.row = 160;
      this.side = TILE.width;
      this.frame = 0;
      this.version = 0;
    }

    get state() {
      return this.desk.state;
    }

    // ---- layout ---------------------------------------------------------------------------------------------------
    measure() {
      const width = this.scroller.clientWidth;
      if (!width) return;
      this.columns = Math.max(1, Math.floor((width + TILE.gap) / (TILE.width + TILE.gap)));
      this.side = Math.floor((width - TILE.gap * (this.columns - 1)) / this.columns);
      this.row = Math.round(this.side * 0.92) + TILE.caption + TILE.gap;
      const rows = Math.ceil(this.order.length / this.columns);
      this.canvas.style.height = `${Math.max(0, rows * this.row - TILE.gap)}px`;
    }

    // Put everything in order anew; the current image keeps its place in the reader's hands, or the first one has it.
    resort(start = false) {
      const item = start ? "" : this.item();
      this.order = this.state.data ? lab.gridOrder.order(this.state, this) : [];
      const kept = item ? this.order.indexOf(this.state.data?.place.get(item) ?? -1) : -1;
      this.current = kept >= 0 && this.held() ? kept : 0;
      if (!this.held() || start) this.scroller.scrollTop = 0;
      this.stale = false;
      this.measure();
      this.changed();
      lab.zoom.show(this.view());
    }

    // Rows came in: what is or was on screen stays where it is, and so do focus and current image.
    grown(before) {
      const { state, scroller } = this;
      if (!this.order.length) return this.resort();
      const drawn = Math.max(this.current, ...this.parts.keys()) + 1;
      this.order = lab.gridOrder.grow(state, this, before, this.order, drawn);
      this.stale = true;
      const untouched = !this.held() && !scroller.scrollTop && !state.counts.decided && !lab.zoom.opened();
      if (!state.data.growing && untouched && !state.mask) return this.resort();
      this.measure();
      return this.changed();
    }

    held() {
      return this.element.contains(document.activeElement);
    }

    item(place = this.current) {
      return this.state.data && this.order.length ? this.state.data.items[this.order[place]] : "";
    }

    // Something changed that a tile shows; scrolling alone only brings new tiles.
    changed() {
      this.version += 1;
      this.render();
    }

    render() {
      if (this.frame) return;
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.paint();
      });
    }

    paint() {
      const { state } = this;
      const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.row) - 1) * this.columns;
      const rows = Math.ceil(this.scroller.clientHeight / this.row) + 3;
      const last = state.data ? Math.min(this.order.length, first + rows * this.columns) : 0;
      for (const [place, part] of this.parts) {
        if (place >= first && place < last) continue;
        if (place === this.current && place < this.order.length && state.data) continue; // the focus must not vanish
        this.parts.delete(place);
        part.tile.remove();
        this.spare.push(part);
      }
      const places = [];
      for (let place = first; place < last; place++) places.push(place);
      if (state.data && this.current < this.order.length && (this.current < first || this.current >= last)) places.push(this.current);
      for (const place of places) this.put(place);
      this.find("[data-empty]").hidden = places.length > 0;
      this.headline();
      if (places.length) this.ask(places);
    }

    put(place) {
      let part = this.parts.get(place);
      if (!part) {
        part = this.spare.pop() || lab.tile.create();
        this.parts.set(place, part);
        this.canvas.append(part.tile);
      }
      if (part.version === this.version && part.place === place) return;
      part.version = this.version;
      part.place = place;
      const { tile } = part;
      tile.style.width = `${this.side}px`;
      tile.style.height = `${this.row - TILE.gap}px`;
      tile.style.transform = `translate(${(place % this.columns) * (this.side + TILE.gap)}px, ${Math.floor(place / this.columns) * this.row}px)`;
      tile.dataset.place = String(place);
      tile.setAttribute("aria-setsize", String(this.order.length));
      tile.setAttribute("aria-posinset", String(place + 1));
      lab.tile.fill(part, this.order[place], this.state, place === this.current);
    }

    ask(places) {
      clearTimeout(this.asking); // a fast scroll asks only for where it ends
      this.asking = setTimeout(() => this.desk.details(places.map((place) => this.item(place)).filter(Boolean)), 70);
    }

    headline() {
      const { state } = this;
      lab.gridHead.show(this);
      const empty = this.find("[data-empty]");
      if (empty.hidden) return;
      empty.textContent = state.problem
        ? state.problem
        : state.loading || !state.listed
          ? "Reading the catalogue."
          : !state.lists.catalogues.length
            ? "No images yet. Next step: press Demo data for phantoms drawn here, or Add a folder for your own images."
            : state.data && state.data.growing
              ? "The first images are being scored."
              : state.data && state.data.items.length
                ? "No image is shown by this filter. Press All to see every image."
                : "This catalogue has no scored images. Make an image set from it, or add the folder again, to score them.";
    }

    // ---- acts -----------------------------------------------------------------------------------------------------
    go(place, focus = true) {
      if (!this.order.length) return;
      this.current = Math.min(this.order.length - 1, Math.max(0, place));
      const top = Math.floor(this.current / this.columns) * this.row;
      const { scrollTop, clientHeight } = this.scroller;
      if (top < scrollTop) this.scroller.scrollTop = top;
      else if (top + this.row > scrollTop + clientHeight) this.scroller.scrollTop = top + this.row - clientHeight;
      cancelAnimationFrame(this.frame);
      this.frame = 0;
      this.version += 1;
      this.paint();
      const part = this.parts.get(this.current);
      if (focus && part && !lab.zoom.opened()) part.tile.focus({ preventScroll: true });
      lab.zoom.show(this.view());
    }

    view() {
      const item = this.item();
      return item ? { item, index: this.order[this.current], place: this.current, all: this.order.length } : null;
    }

    decide(verdict, reason) {
      const item = this.item();
      if (!item) return;
      this.desk.decide(item, verdict, reason);
      this.go(this.current + 1);
    }

    say(text) {
      this.find("[data-problem]").textContent = text;
    }

    undo() {
      const item = this.desk.undo();
      const place = item ? this.order.indexOf(this.state.data.place.get(item) ?? -1) : -1;
      this.say(item && place < 0 ? `The mark of ${item} is taken back; this filter does not show that image.` : "");
      if (place >= 0) this.go(place);
    }

    act(name) {
      if (name === "accept" || name === "reject") return this.decide(name, "");
      if (name === "undo") return this.undo();
      if (name === "zoom") return this.item() ? lab.zoom.toggle(this.view()) : undefined;
      if (name === "invert") return lab.window.invert();
      if (name === "reset") return lab.window.reset();
      if (name === "sort") return this.resort();
      if (name === "agreement") return lab.agreement.open(this);
      if (name === "next") {
        const place = this.order.length ? lab.gridOrder.next(this.state, this.order, this.current) : -1;
        return place >= 0 ? this.go(place) : undefined;
      }
      const on = this.root.classList.toggle(`lab-show-${name}`);
      this.find(`[data-act=${name}]`).setAttribute("aria-pressed", String(on));
      lab.zoom.overlays(this.root);
      return undefined;
    }

    listen() {
      const { desk, element } = this;
      this.scroller.addEventListener("scroll", () => this.render(), { passive: true });
      element.addEventListener("click", (event) => {
        const tile = event.target.closest(".lab-tile");
        const act = event.target.closest("[data-act]")?.dataset.act;
        if (tile) this.go(Number(tile.dataset.place));
        if (act) this.act(act);
      });
      this.canvas.addEventListener("dblclick", (event) => {
        if (event.target.closest(".lab-tile") && !event.target.closest("button")) this.act("zoom");
      });
      lab.gridHead.listen(this);
      const keys = (event) => (element.isConnected ? lab.gridKey(this, event) : document.removeEventListener("keydown", keys));
      document.addEventListener("keydown", keys);
      new ResizeObserver(() => {
        this.measure();
        this.changed();
      }).observe(this.scroller);
      const changing = ["verdict", "details", "lists", "select", "saved", "counts", "reader"];
      for (const name of changing) desk.on(name, element, () => this.changed());
      desk.on("select", element, () => {
        Object.assign(this, { filter: "all", only: null });
        this.state.together = null;
      });
      desk.on("data", element, () => this.resort());
      let more = false;
      desk.on("grown", element, (detail) => {
        more = Boolean(this.state.mask); // the mask for the new rows follows
        this.grown(detail.before);
      });
      desk.on("filter", element, () => {
        if (more) this.grown(this.state.data.items);
        else this.resort();
        more = false;
      });
      desk.on("marks", element, () => {
        if (this.state.reader !== lab.marks.CONSENSUS) this.only = null;
        if (!this.only) this.state.together = null;
        this.resort();
        this.say("");
      });
      desk.on("threshold", element, (detail) => {
        if (!detail.final) this.stale = this.sort === "near" || this.filter !== "all";
        else if (this.sort === "near" || this.filter !== "all") this.resort();
      });
      let trouble = false;
      desk.on("problem", element, (detail) => {
        trouble = true;
        this.say(detail.text);
      });
      desk.on("saved", element, () => {
        if (trouble) this.say("");
        trouble = false;
      });
      desk.on("window", element, (detail) => {
        this.root.classList.toggle("lab-windowed", !detail.plain);
        this.find("[data-act=reset]").textContent = detail.text;
      });
    }
  }

  function mount(element) {
    const grid = new Grid(element);
    lab.zoom.use(grid);
    grid.listen();
    grid.resort();
  }

  lab.grid = { mount };
})();
