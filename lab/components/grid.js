// Grid of candidates, doubtful first. Only what is on screen exists, so ten thousand images scroll like fifty.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const TILE = { width: 132, gap: 8, caption: 26 };
  const KEYS = { a: "accept", r: "reject", u: "undo", i: "invert", o: "outline", c: "crop", " ": "zoom" };

  const SORTS = [["near", "Doubtful first"], ["low", "Lowest score first"], ["item", "In order of files"]];
  const BUTTONS = [
    ["outline", "Outline", "The found outline of the breast (O)"],
    ["crop", "Crop", "The box that a crop keeps (C)"],
    ["invert", "Invert", "Swap black and white (I)"],
    ["reset", "window 0–255", "Grey window of the pictures: drag in the large view (Space) to change it, press to reset"],
    ["undo", "Undo", "Take the last mark back (U)"],
    ["zoom", "Zoom", "Large view of the current image (Space)"],
  ];

  function order(state, sort) {
    const places = state.data.items.map((_, index) => index).filter((index) => !state.mask || state.mask[index]);
    const { scores } = state.data;
    const near = (index) => Math.abs(scores[index] - state.cut);
    if (sort === "near") places.sort((a, b) => near(a) - near(b) || scores[a] - scores[b] || a - b);
    if (sort === "low") places.sort((a, b) => scores[a] - scores[b] || a - b);
    return places;
  }

  function build(element) {
    const { el } = lab;
    const toggles = new Set(["outline", "crop"]);
    const button = ([act, text, title]) =>
      el("button", { type: "button", "data-act": act, title, text, "aria-pressed": toggles.has(act) ? String(act === "outline") : null });
    const sorts = SORTS.map(([value, text]) => el("option", { value, text }));
    const head = el("div", { class: "lab-grid-head" }, [
      el("select", { "aria-label": "Order of the images" }, sorts),
      el("span", { title: "Images accepted or rejected by hand" }, [el("b", { "data-looked": true }), el("span", { "data-of": true })]),
      el("span", { class: "lab-space" }),
      ...BUTTONS.map(button),
    ]);
    const scroller = el("div", { class: "lab-scroller", "data-scroller": true, tabindex: "-1" }, [
      el("div", { class: "lab-canvas", "data-canvas": true, role: "listbox", "aria-label": "Candidates" }),
      el("p", { class: "lab-grid-empty", "data-empty": true }),
    ]);
    const part = lab.root(element);
    part.classList.add("lab-grid", "lab-show-outline");
    part.replaceChildren(head, el("div", { class: "lab-grid-problem", role: "status", "data-problem": true }), scroller);
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

    resort() {
      const item = this.item();
      this.order = this.state.data ? order(this.state, this.sort) : [];
      const kept = item ? this.order.indexOf(this.state.data?.place.get(item) ?? -1) : -1;
      this.current = kept >= 0 && this.held() ? kept : 0;
      if (!this.held()) this.scroller.scrollTop = 0;
      this.measure();
      this.changed();
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
      const { counts } = state;
      this.find("[data-looked]").textContent = state.data ? counts.decided.toLocaleString("en") : "";
      this.find("[data-of]").textContent = state.data ? ` of ${counts.all.toLocaleString("en")} looked at` : "";
      this.find("[data-act=undo]").disabled = !(state.session && state.session.undo.length);
      const empty = this.find("[data-empty]");
      empty.textContent = state.problem
        ? state.problem
        : state.loading || !state.listed
          ? "Reading the catalogue."
          : !state.lists.catalogues.length
            ? "No images yet. Next step: press Demo data for phantoms drawn here, or Add a folder for your own images."
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

    act(name) {
      if (name === "accept" || name === "reject") return this.decide(name, "");
      if (name === "undo") {
        const item = this.desk.undo();
        if (item) this.go(this.order.indexOf(this.state.data.place.get(item)));
        return undefined;
      }
      if (name === "zoom") return this.item() ? lab.zoom.toggle(this.view()) : undefined;
      if (name === "invert") return lab.zoom.invert();
      if (name === "reset") return lab.zoom.reset();
      const on = this.root.classList.toggle(`lab-show-${name}`);
      this.find(`[data-act=${name}]`).setAttribute("aria-pressed", String(on));
      lab.zoom.overlays(this.root);
      return undefined;
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.element.offsetParent) return;
      const { target } = event;
      const inside = this.element.contains(target) || lab.zoom.contains(target);
      if (!inside && target !== document.body) return;
      if (target.closest("input, textarea, select, [contenteditable=true]")) return;
      if (target.closest("button") && (event.key === " " || event.key === "Enter")) return;
      const page = this.columns * Math.max(1, Math.floor(this.scroller.clientHeight / this.row));
      const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns, PageDown: page, PageUp: -page };
      const end = { Home: 0, End: this.order.length - 1 }[event.key];
      const reason = lab.tile.REASONS[Number(event.key) - 1];
      const name = KEYS[event.key.toLowerCase()];
      if (steps[event.key]) this.go(this.current + steps[event.key]);
      else if (end !== undefined) this.go(end);
      else if (reason) this.decide("reject", reason);
      else if (name) this.act(name);
      else if (event.key === "Escape" && lab.zoom.opened()) lab.zoom.close();
      else return;
      event.preventDefault();
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
      this.find("select").addEventListener("change", (event) => {
        this.sort = event.target.value;
        this.resort();
      });
      const keys = (event) => (element.isConnected ? this.key(event) : document.removeEventListener("keydown", keys));
      document.addEventListener("keydown", keys);
      new ResizeObserver(() => {
        this.measure();
        this.changed();
      }).observe(this.scroller);
      for (const name of ["verdict", "details", "lists", "select", "saved", "counts"]) desk.on(name, element, () => this.changed());
      desk.on("data", element, () => this.resort());
      desk.on("filter", element, () => this.resort());
      desk.on("threshold", element, (detail) => {
        if (detail.final && this.sort === "near") this.resort();
      });
      desk.on("problem", element, (detail) => {
        this.find("[data-problem]").textContent = detail.text;
      });
      desk.on("saved", element, () => {
        this.find("[data-problem]").textContent = "";
      });
      desk.on("window", element, (detail) => {
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
