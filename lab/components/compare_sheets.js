// The sample sheets of the compared runs side by side: one slider, and each run's newest sheet at or below its place.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class CompareSheets {
    // `moved(images)` is called when the slider stands elsewhere.
    constructor(root, moved) {
      this.root = root;
      this.moved = moved;
      this.entries = [];
      this.figures = new Map(); // run -> its nodes and pictures
      this.places = []; // images seen of all sheets of all runs
      this.place = null; // images seen where the slider stands
      this.stage = make("div", { class: "lab-compare-stage" });
      this.seen = make("b", { class: "lab-scrub-seen" });
      this.count = make("span", { class: "lab-scrub-count" });
      this.slider = make("input", { type: "range", class: "lab-scrub-slider", min: 0, max: 0, step: 1, value: 0, disabled: true, "aria-label": "Sample sheets of all compared runs" });
      this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
      root.append(this.stage, make("div", { class: "lab-scrub-bar" }, this.seen, this.count, this.slider));
      const keys = (event) => (this.root.isConnected ? this.key(event) : document.removeEventListener("keydown", keys));
      document.addEventListener("keydown", keys);
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !this.places.length) return;
      if (this.root.offsetParent === null || lab.inControl(event.target)) return;
      const at = Number(this.slider.value);
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: this.places.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.go(to);
    }

    show(entries) {
      this.entries = entries;
      for (const [run, figure] of this.figures) {
        if (entries.some((entry) => entry.run === run)) continue;
        figure.node.remove();
        this.figures.delete(run);
      }
      for (const entry of entries) {
        if (!this.figures.has(entry.run)) this.figures.set(entry.run, this.figure(entry));
        this.stage.append(this.figures.get(entry.run).node);
      }
      this.update();
    }

    figure(entry) {
      const picture = make("img", { hidden: true, draggable: "false", alt: "" });
      const text = make("span", {});
      const node = make("figure", { "data-run": entry.run }, make("figcaption", {}, lab.compared.chip(entry), text), picture);
      return { node, picture, text, pictures: lab.sheetPictures(entry.run), wanted: 0 };
    }

    // New sheets: the slider stays where it is, unless it stood at the end.
    update() {
      const atEnd = this.place === null || this.place >= (this.places.at(-1) ?? 0);
      const all = this.entries.flatMap((entry) => (entry.store ? entry.store.sheets.map((sheet) => sheet.images) : []));
      this.places = [...new Set(all)].sort((one, other) => one - other);
      this.slider.max = String(Math.max(0, this.places.length - 1));
      this.slider.disabled = this.places.length < 2;
      if (!this.places.length) return this.paint();
      this.go(atEnd ? this.places.length - 1 : lab.curve.nearest(this.places, this.place));
    }

    // The sheets nearest to a place in the chart.
    point(images) {
      if (this.places.length) this.go(lab.curve.nearest(this.places, images));
    }

    go(index) {
      const at = Math.min(Math.max(0, index), this.places.length - 1);
      this.slider.value = String(at);
      this.place = this.places[at];
      this.paint();
      this.moved(this.place);
      for (const place of [this.places[at - 1], this.places[at + 1]]) { // fetched before they are asked for
        if (place === undefined) continue;
        for (const entry of this.entries) {
          const sheet = newest(entry, place);
          if (sheet) this.figures.get(entry.run).pictures.of(sheet);
        }
      }
    }

    paint() {
      const count = this.places.length;
      const said = this.entries.map((entry) => `${entry.letter}: ${this.draw(entry)}`);
      this.seen.textContent = count ? `${lab.curve.kimg(this.place)} kimg` : "–";
      this.seen.title = count ? `${this.place.toLocaleString("en")} images seen` : "";
      this.count.textContent = count ? `images seen · ${Number(this.slider.value) + 1} of ${count}` : "no sheet yet";
      this.slider.setAttribute("aria-valuetext", count ? `${this.seen.textContent}. ${said.join(". ")}` : "no sheet");
    }

    // One run's newest sheet at or below the slider; the words written on it.
    draw(entry) {
      const figure = this.figures.get(entry.run);
      const sheet = newest(entry, this.place);
      const words = entry.store && entry.store.trouble ? entry.store.trouble : caption(entry, sheet, this.place);
      if (figure.text.textContent !== words) figure.text.textContent = words;
      figure.text.title = sheet ? `${sheet.images.toLocaleString("en")} images seen` : "";
      figure.node.dataset.images = sheet ? String(sheet.images) : "";
      const request = (figure.wanted += 1);
      if (!sheet) {
        figure.picture.hidden = true;
        return words;
      }
      figure.picture.alt = `Run ${entry.letter}, ${entry.name}: sample sheet at ${lab.curve.kimg(sheet.images)} kimg, ${sheet.columns} by ${sheet.rows} synthetic images`;
      const picture = figure.pictures.of(sheet);
      picture.ready.then(() => {
        if (request !== figure.wanted) return;
        if (figure.picture.src !== picture.src) figure.picture.src = picture.src;
        figure.picture.hidden = false;
      });
      return words;
    }
  }

  // The newest sheet of a run at or below a place, or null.
  function newest({ store }, place) {
    if (!store || place === null) return null;
    return store.sheets.filter((sheet) => sheet.images <= place).at(-1) || null;
  }

  function caption({ store }, sheet, place) {
    if (!store || !store.sheets.length) return "no sheet yet";
    if (!sheet) return `first sheet at ${lab.curve.kimg(store.sheets[0].images)} kimg`;
    const last = sheet.images < place && sheet === store.sheets.at(-1);
    return `${lab.curve.kimg(sheet.images)} kimg${last ? ", its newest" : ""}`;
  }

  lab.compareSheets = { CompareSheets };
})();
