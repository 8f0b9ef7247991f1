// The sample sheets of the selected run, one slider over all of them: moves the chart's cursor and follows it.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const AHEAD = 2; // neighbours fetched and decoded before they are asked for
  const PLAY_MS = 250;
  const VIEWS = ["synthetic", "beside", "real"];

  // Where the pixels are inside the element: object-fit leaves bars at two sides.
  function content(picture) {
    const box = picture.getBoundingClientRect();
    const scale = Math.min(box.width / (picture.naturalWidth || 1), box.height / (picture.naturalHeight || 1));
    const [width, height] = [(picture.naturalWidth || 1) * scale, (picture.naturalHeight || 1) * scale];
    return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
  }

  const part = (place, size, count) => Math.min(count - 1, Math.max(0, Math.floor((place / size) * count)));

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Scrubber {
    constructor(root) {
      const part = (name) => root.querySelector(`.lab-scrub-${name}`);
      this.root = root;
      this.picture = part("picture");
      this.real = part("real");
      this.mark = part("mark");
      this.note = part("note");
      this.seen = part("seen");
      this.count = part("count");
      this.tile = part("tile");
      this.slider = part("slider");
      this.playButton = part("play");
      this.viewButtons = VIEWS.map((view) => root.querySelector(`[data-view="${view}"]`));
      this.run = "";
      this.sheets = [];
      this.shown = null; // images seen of the sheet on show
      this.view = "synthetic";
      this.wanted = 0; // counts requests, so that a slow picture never replaces a newer one
      this.pictures = null;
      this.stop = () => {};
      this.listen();
    }

    listen() {
      this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
      this.playButton.addEventListener("click", () => this.play(!this.playing));
      this.viewButtons.forEach((button, i) => button.addEventListener("click", () => this.look(VIEWS[i])));
      for (const picture of [this.picture, this.real]) {
        picture.addEventListener("click", (event) => this.touch(picture, event));
        picture.addEventListener("error", () => { picture.hidden = true; });
      }
      const cursor = (event) => {
        if (!this.root.isConnected) return document.removeEventListener("lab:cursor", cursor);
        const { run, images_seen: images, from } = event.detail;
        if (from !== "scrubber" && run === this.run && this.sheets.length) this.go(this.nearest(images));
      };
      document.addEventListener("lab:cursor", cursor);
      const keys = (event) => {
        if (!this.root.isConnected) return document.removeEventListener("keydown", keys);
        this.key(event);
      };
      document.addEventListener("keydown", keys);
      const state = (event) => { this.root.dataset.role = event.detail.role; }; // real images are the owner's alone
      document.addEventListener("lab:state", state);
      new ResizeObserver(() => this.clearMark()).observe(this.root);
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (this.root.offsetParent === null || lab.inControl(event.target) || !this.sheets.length) return;
      const at = Number(this.slider.value);
      if (event.key === "ArrowLeft") this.go(at - 1);
      else if (event.key === "ArrowRight") this.go(at + 1);
      else if (event.key === "Home") this.go(0);
      else if (event.key === "End") this.go(this.sheets.length - 1);
      else if (event.key === " ") this.play(!this.playing);
      else return;
      event.preventDefault();
    }

    show(run) {
      if (run === this.run) return;
      this.stop();
      this.play(false);
      this.run = run;
      this.sheets = [];
      this.shown = null;
      this.wanted += 1;
      this.pictures = lab.sheetPictures(run);
      this.picture.hidden = true;
      this.real.hidden = true;
      this.clearMark();
      this.texts();
      this.stop = lab.feed.follow(run, this.root, (store, news) => this.update(store, news));
    }

    // New sheets: the newest is shown only when the slider already stood at the end.
    update(store, news) {
      const atEnd = this.shown === null || Number(this.slider.value) >= this.sheets.length - 1;
      if (!news.sample && this.sheets.length === store.sheets.length && this.sheets.length) return;
      this.sheets = store.sheets.slice();
      this.trouble = store.trouble;
      this.slider.max = String(Math.max(0, this.sheets.length - 1));
      this.slider.disabled = this.sheets.length < 2;
      this.playButton.disabled = this.sheets.length < 2;
      document.dispatchEvent(new CustomEvent("lab:sheets", { detail: { run: this.run, sheets: this.sheets.map((sheet) => sheet.images) } }));
      if (!this.sheets.length) return this.texts();
      this.go(atEnd && !this.playing ? this.sheets.length - 1 : this.nearest(this.shown ?? 0));
    }

    nearest(images) {
      let best = 0;
      this.sheets.forEach((sheet, i) => {
        if (Math.abs(sheet.images - images) < Math.abs(this.sheets[best].images - images)) best = i;
      });
      return best;
    }

    // The decoded picture of a sheet.
    fetch(index) {
      return this.sheets[index] ? this.pictures.of(this.sheets[index]) : null;
    }

    async go(index) {
      const place = Math.min(Math.max(0, index), this.sheets.length - 1);
      const sheet = this.sheets[place];
      if (!sheet) return;
      const changed = this.shown !== sheet.images;
      this.slider.value = String(place);
      this.shown = sheet.images;
      this.texts();
      document.dispatchEvent(new CustomEvent("lab:cursor", { detail: { run: this.run, images_seen: sheet.images, from: "scrubber" } }));
      const request = (this.wanted += 1);
      const picture = this.fetch(place);
      await picture.ready;
      if (request !== this.wanted) return;
      if (this.picture.src !== picture.src) this.picture.src = picture.src;
      this.picture.hidden = this.view === "real";
      this.picture.alt = `Sample sheet at ${lab.curve.kimg(sheet.images)} kimg, ${sheet.columns} by ${sheet.rows} synthetic images`;
      if (this.view !== "synthetic") this.showReal();
      if (changed && this.marked) this.place();
      for (let step = 1; step <= AHEAD; step += 1) {
        this.fetch(place + step);
        this.fetch(place - step);
      }
      this.fetch(place);
    }

    texts() {
      const count = this.sheets.length;
      const place = Number(this.slider.value);
      this.note.textContent = !this.run ? "Choose a run on the left." : count ? "" : "The first sheet comes with the first images.";
      this.seen.textContent = count ? `${lab.curve.kimg(this.sheets[place].images)} kimg` : "–";
      this.seen.title = count ? `${this.sheets[place].images.toLocaleString("en")} images seen` : "";
      this.count.textContent = count ? `images seen · sheet ${place + 1} of ${count}` : "no sheet yet";
      this.slider.setAttribute("aria-valuetext", count ? `${this.seen.textContent}, sheet ${place + 1} of ${count}` : "no sheet");
    }

    play(on) {
      clearInterval(this.playing);
      this.playing = 0;
      this.playButton.textContent = on ? "Pause" : "Play";
      this.playButton.setAttribute("aria-label", on ? "Pause the film of the sheets" : "Play the sheets as a film");
      if (!on) return;
      if (Number(this.slider.value) >= this.sheets.length - 1) this.go(0);
      this.playing = setInterval(() => {
        if (!this.root.isConnected || this.root.offsetParent === null) return this.play(false);
        const place = Number(this.slider.value);
        if (place >= this.sheets.length - 1) this.play(false);
        else this.go(place + 1);
      }, PLAY_MS);
    }

    look(view) {
      this.view = view;
      this.viewButtons.forEach((button, i) => button.setAttribute("aria-pressed", String(VIEWS[i] === view)));
      this.root.dataset.shows = view;
      this.clearMark();
      if (!this.sheets.length) return;
      this.picture.hidden = view === "real";
      if (view === "synthetic") this.real.hidden = true;
      else this.showReal();
    }

    showReal() {
      const source = lab.sheetAddress(this.run, "reals.webp", this.sheets[0].time);
      if (this.real.getAttribute("src") !== source) this.real.src = source;
      this.real.hidden = false;
    }

    touch(picture, event) {
      const sheet = this.sheets[Number(this.slider.value)];
      if (!sheet) return;
      const box = content(picture);
      const column = part(event.clientX - box.left, box.width, sheet.columns);
      const row = part(event.clientY - box.top, box.height, sheet.rows);
      const again = this.marked && this.marked.picture === picture && this.marked.column === column && this.marked.row === row;
      if (again) return this.clearMark();
      this.marked = { picture, column, row };
      this.place();
    }

    place() {
      const { picture, column, row } = this.marked;
      const sheet = this.sheets[Number(this.slider.value)];
      const box = content(picture);
      const stage = this.mark.parentElement.getBoundingClientRect();
      const [width, height] = [box.width / sheet.columns, box.height / sheet.rows];
      this.mark.style.left = `${box.left - stage.left + column * width}px`;
      this.mark.style.top = `${box.top - stage.top + row * height}px`;
      this.mark.style.width = `${width}px`;
      this.mark.style.height = `${height}px`;
      this.mark.hidden = false;
      const kind = picture === this.real ? "real image" : "latent";
      this.tile.textContent = `${kind} ${row * sheet.columns + column + 1} of ${sheet.columns * sheet.rows}`;
    }

    clearMark() {
      this.marked = null;
      this.mark.hidden = true;
      this.tile.textContent = "";
    }
  }

  function fill(root) {
    const button = (name, text, help) => make("button", { type: "button", class: `lab-scrub-${name}`, title: help }, text);
    const view = (name, text, help) => make("button", { type: "button", "data-view": name, "aria-pressed": String(name === "synthetic"), title: help }, text);
    root.dataset.shows = "synthetic";
    root.append(
      make("div", { class: "lab-scrub-stage" },
        make("img", { class: "lab-scrub-picture", hidden: true, draggable: "false", alt: "" }),
        make("img", { class: "lab-scrub-real", hidden: true, draggable: "false", alt: "Real images of the training set, laid out like the sample sheet" }),
        make("div", { class: "lab-scrub-mark", hidden: true }), make("p", { class: "lab-scrub-tile", role: "status" }),
        make("p", { class: "lab-scrub-note", role: "status" })),
      make("div", { class: "lab-scrub-bar" },
        make("b", { class: "lab-scrub-seen" }), make("span", { class: "lab-scrub-count" }),
        make("input", { type: "range", class: "lab-scrub-slider", min: 0, max: 0, step: 1, value: 0, disabled: true, "aria-label": "Sample sheet" }),
        make("span", { class: "lab-scrub-views", role: "group", "aria-label": "Which images" },
          view("synthetic", "synthetic", "The generator's images, always from the same latents"),
          view("beside", "beside", "Synthetic and real images side by side"),
          view("real", "real", "Images of the training set")),
        button("play", "Play", "Show the sheets as a film (space)")));
  }

  function mount(element) {
    const root = lab.feed.claim(element, "scrub", "Sample sheets");
    if (!root) return;
    fill(root);
    root.scrubber = new Scrubber(root);
    root.scrubber.play(false);
    root.scrubber.texts();
    lab.feed.onRun(root, (run) => root.scrubber.show(run));
  }

  lab.scrubber = { mount };
})();
