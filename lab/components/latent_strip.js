// The strip of a latent space: images on the way from one place to another, chosen on the map or typed as seeds.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const { isSeed, named, paint } = lab.latentCells;
  const MOST_SEED = Number.MAX_SAFE_INTEGER;
  const COUNT = { usual: 8, least: 3, most: 16 };

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class LatentStrip {
    // `moved()` when other images are wanted, `chosen(index)` when one of them is selected.
    constructor({ moved, chosen }) {
      Object.assign(this, { moved, chosen });
      this.ends = { first: null, second: null };
      this.buttons = [];
      this.inputs = Object.fromEntries([["first", "A", "Begins at seed"], ["second", "B", "Ends at seed"]].map(([end, letter, title]) => {
        const input = make("input", { type: "text", inputmode: "numeric", "aria-label": title, title: `${title}: type one, or select an image above and press “${letter}”`, autocomplete: "off", spellcheck: "false" });
        input.addEventListener("change", () => this.typed(end, input));
        return [end, input];
      }));
      this.count = make("input", { type: "number", min: COUNT.least, max: COUNT.most, value: COUNT.usual, "aria-label": "Images in the strip", title: "How many images from A to B, both included" });
      this.count.addEventListener("change", () => {
        this.count.value = Math.round(Math.max(COUNT.least, Math.min(COUNT.most, Number(this.count.value) || COUNT.usual)));
        this.moved();
      });
      this.list = make("div", { class: "lab-latent-strip", role: "group", "aria-label": "Images from A to B" });
      this.root = make("div", { class: "lab-latent-between" },
        make("div", { class: "lab-latent-line" }, make("b", { title: "Images on the way from one place to another, along the arc on which random images lie" }, "From A to B"),
          make("label", {}, "A", this.inputs.first), make("label", {}, "B", this.inputs.second), make("label", {}, this.count, "images")),
        this.list);
    }

    get wanted() {
      const { first, second } = this.ends;
      return first === null || second === null ? null : { kind: "strip", first, second, count: Number(this.count.value) };
    }

    put(end, place, weights = null) {
      this.ends[end] = place;
      const input = this.inputs[end];
      input.value = isSeed(place) ? String(place) : "";
      input.placeholder = isSeed(place) ? "" : "between seeds";
      input.title = isSeed(place) || !weights ? input.title : named({ place, weights });
      input.removeAttribute("aria-invalid");
    }

    typed(end, input) {
      const text = input.value.trim();
      const seed = Number(text);
      const good = /^\d+$/.test(text) && seed <= MOST_SEED;
      input.toggleAttribute("aria-invalid", !good);
      if (!good) {
        lab.toast("A seed is a whole number from 0 to 9007199254740991.", "error");
        return;
      }
      this.put(end, seed);
      this.moved();
    }

    show(said) {
      this.shown = said;
      while (this.buttons.length > said.cells.length) this.buttons.pop().remove();
      while (this.buttons.length < said.cells.length) {
        const index = this.buttons.length;
        const button = make("button", { type: "button", "aria-pressed": "false" }, make("canvas", { width: 1, height: 1 }));
        button.addEventListener("click", () => this.select(index));
        this.buttons.push(button);
        this.list.append(button);
      }
      this.buttons.forEach((button, n) => {
        paint(button.firstChild, said, n);
        button.setAttribute("aria-label", named(said.cells[n]));
        button.title = named(said.cells[n]);
      });
    }

    select(index) {
      this.buttons.forEach((button, n) => button.setAttribute("aria-pressed", String(n === index)));
      if (index >= 0) this.chosen({ ...this.shown.cells[index], canvas: this.buttons[index].firstChild });
    }
  }

  lab.LatentStrip = LatentStrip;
})();
