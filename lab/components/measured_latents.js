// Latent space: what a checkpoint draws at and between seeds, as a map to drag, a strip, and a list of images to keep.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  const { named, same, whole } = lab.latentCells;
  const SLOW_S = 0.12; // for one image: more, and a drag would stutter
  const QUICK_S = 0.04;
  const STILL_S = 0.4; // more, and a drag draws nothing until one lets go
  const SLOW_METHODS = new Set(["diffusion"]);
  const MOST_SEED = 2 ** 32 - 1;
  const TRUNCATION = [
    "How far images may go from the average one, where the method has such a setting: styles are drawn towards their mean.",
    "Too low: images are clean but alike; at 0 they are all the same.",
    "Too high: 1 shows all that was learned, odd images too.",
  ];

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const said = (error) => [error.words || error.what || error.message, error.why, error.advice].filter(Boolean).join(" ");

  class Latents {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.root = root;
      this.about = null; // what the engine says of the network that drew last
      this.picked = null; // the image that the line below the map is about
      this.job = new lab.LatentJob((starting) => this.waiting(starting));
      this.controls();
      this.map = new lab.LatentMap({ moved: (dragging) => this.drawMap(dragging), chosen: () => this.pick(this.map.selected), act: (verb) => this.act(verb) });
      this.strip = new lab.LatentStrip({ moved: () => this.drawStrip(), chosen: (image) => this.pick(image, true) });
      this.kept = new lab.LatentKept({ changed: () => this.marks(), chosen: (entry) => this.pick({ ...entry, canvas: null }, true) });
      this.words = make("p", { class: "lab-latent-words", role: "status" });
      this.note = make("p", { class: "lab-latent-note", role: "status" });
      this.buttons = Object.fromEntries([
        ["keep", "Keep", "Keep this image in the list on the right (Enter, or press the image twice)"],
        ["first", "A", "The strip begins here (A)"], ["second", "B", "The strip ends here (B)"],
      ].map(([verb, title, help]) => {
        const button = make("button", { type: "button", class: "lab-button", title: help, "aria-label": verb === "keep" ? null : help }, title);
        button.addEventListener("click", () => this.act(verb));
        return [verb, button];
      }));
      this.line = make("div", { class: "lab-latent-line" }, this.words, ...Object.values(this.buttons));
      this.body = make("div", { class: "lab-latent-body" },
        make("div", { class: "lab-latent-main" }, this.map.root, this.line, this.strip.root), this.kept.root);
      this.empty = make("p", { class: "lab-score-about", role: "status" });
      root.append(this.bar, this.note, this.body, this.empty);
      new ResizeObserver(() => this.laidOut()).observe(this.map.root);
    }

    controls() {
      this.checkpoint = make("select", { "aria-label": "Checkpoint", title: "Which checkpoint draws" });
      this.checkpoint.addEventListener("change", () => this.drawAll());
      this.checkpoint.addEventListener("pointerdown", () => this.list());
      this.label = make("select", { "aria-label": "Class", title: "Which class is drawn", hidden: true });
      this.label.addEventListener("change", () => this.drawAll());
      this.truncation = make("input", { type: "range", min: 0, max: 1, step: 0.05, value: 1, disabled: true });
      this.truncation.addEventListener("input", () => this.drawAll());
      this.share = make("output", {}, "–");
      this.truncated = make("label", { class: "lab-latent-truncation lab-helped" }, make("span", { class: "label-text" }, "Truncation"), this.truncation, this.share,
        this.help = make("span", { class: "info-text" }, ...TRUNCATION.map((text) => make("span", {}, text))));
      this.seed = make("input", { type: "number", min: 0, max: MOST_SEED, value: 0, "aria-label": "Map number", title: "Another number lays out other seeds" });
      this.seed.addEventListener("change", () => {
        this.seed.value = Math.round(Math.max(0, Math.min(MOST_SEED, Number(this.seed.value) || 0)));
        this.map.home(Number(this.seed.value));
        this.drawMap();
      });
      const button = (title, help, does) => {
        const one = make("button", { type: "button", class: "lab-button", title: help, "aria-label": help }, title);
        one.addEventListener("click", does);
        return one;
      };
      this.nearer = button("+", "Nearer: smaller steps between the images (+)", () => this.map.zoom(0.5));
      this.farther = button("−", "Farther: larger steps between the images (−)", () => this.map.zoom(2));
      this.home = button("To seeds", "Show seeds themselves, and not the images between them (Home)", () => this.map.toSeeds());
      this.bar = make("div", { class: "lab-latent-bar" }, this.checkpoint, this.label, this.truncated, make("label", {}, "Map", this.seed), make("span", { class: "lab-latent-zoom" }, this.farther, this.nearer), this.home);
    }

    // A run, or a set of images, was chosen on the left.
    async show() {
      const [kind, id] = (this.hub.of || "").split("/");
      this.run = kind === "runs" ? id : "";
      this.known = null;
      this.about = this.picked = null;
      this.label.hidden = true; // until the network says that it knows classes
      this.map.home(Number(this.seed.value));
      this.strip.put("first", null);
      this.strip.put("second", null);
      this.note.textContent = "";
      if (!this.run) return this.nothing("Images of a set were drawn already, and a set has no latent space. Choose a run on the left.");
      await this.list();
      return undefined;
    }

    reveal() {
      this.empty.hidden = true;
      for (const part of [this.bar, this.note, this.body]) part.hidden = false;
    }

    nothing(words) {
      this.empty.textContent = words;
      this.empty.hidden = false;
      for (const part of [this.bar, this.note, this.body]) part.hidden = true;
    }

    // The checkpoints that are there now; the newest, or the one whose scores are on show, is drawn first.
    async list() {
      const { run } = this;
      let known;
      try {
        known = await lab.get(`/lab/run/${encodeURIComponent(run)}`);
      } catch (error) {
        if (run === this.run) this.nothing(said(error));
        return;
      }
      if (run !== this.run) return;
      const fresh = !this.known;
      this.known = known;
      if (!known.checkpoints.length) {
        this.nothing("This run has no checkpoint yet. Its latent space can be looked at as soon as it has one.");
        this.known = null;
        return;
      }
      const stars = new Set(known.record.starred || []);
      const offered = known.checkpoints.map((images) => [String(images), `${lab.curve.kimg(images)} kimg${stars.has(images) ? " ★" : ""}`]);
      if (JSON.stringify(offered) !== this.offered) {
        const { value } = this.checkpoint;
        this.checkpoint.replaceChildren(...offered.map(([images, text]) => make("option", { value: images }, text)));
        this.checkpoint.value = value;
      }
      this.offered = JSON.stringify(offered);
      if (!fresh) return;
      const wished = known.checkpoints.includes(this.hub.checkpoint) ? this.hub.checkpoint : known.checkpoints[known.checkpoints.length - 1];
      this.checkpoint.value = String(wished);
      this.still = SLOW_METHODS.has(known.record.method);
      this.map.slow(this.still);
      this.reveal();
      this.laidOut();
    }

    // There is room for the map, or another room than before: only then is anything asked for.
    laidOut() {
      if (!this.known || !this.map.fit()) return;
      if (!this.map.shown) this.drawMap();
    }

    waiting(starting) {
      if (starting) this.note.textContent = "Loading the network. This takes about two seconds.";
      this.root.toggleAttribute("data-waiting", starting);
    }

    wish(wanted, side) {
      const truncation = this.about && this.about.truncation !== null ? Number(this.truncation.value) : null;
      const pixels = Math.max(16, Math.min(1024, Math.round(side * (window.devicePixelRatio || 1))));
      return { run: this.run, checkpoint: Number(this.checkpoint.value), label: this.label.hidden ? "" : this.label.value, truncation, side: pixels, wanted };
    }

    drawAll() {
      this.drawMap();
      this.drawStrip();
    }

    async drawMap(dragging = false) {
      if (!this.known || !this.map.columns || (dragging && this.still)) return;
      const { run } = this;
      try {
        const answer = await this.job.ask("map", { ...this.wish(this.map.wanted, this.map.side), draft: dragging });
        if (!answer || run !== this.run) return;
        if (!dragging) this.meet(answer);
        this.reveal();
        this.map.show(answer, dragging);
        if (dragging) return;
        this.note.textContent = this.timed(answer);
        this.marks();
        if (this.strip.ends.first === null) this.begin(answer.cells);
      } catch (error) {
        if (run === this.run) this.fail(error);
      }
    }

    async drawStrip() {
      const { wanted } = this.strip;
      if (!this.known || !wanted) return;
      const { run } = this;
      try {
        const answer = await this.job.ask("strip", this.wish(wanted, 84));
        if (!answer || run !== this.run) return;
        this.strip.show(answer);
        this.marks();
      } catch (error) {
        if (run === this.run) this.note.textContent = said(error);
      }
    }

    // The first strip goes from corner to corner, so that there is something to see.
    begin(cells) {
      this.strip.put("first", cells[0].place, cells[0].weights);
      this.strip.put("second", cells[cells.length - 1].place, cells[cells.length - 1].weights);
      this.drawStrip();
    }

    fail(error) {
      if (this.map.shown) this.note.textContent = said(error);
      else {
        this.nothing(said(error));
        this.bar.hidden = this.known.checkpoints.length < 2; // another one may be whole
      }
    }

    // What the network can do decides which controls there are.
    meet({ about, seconds, cells }) {
      const first = !this.about || this.about.run !== about.run;
      this.about = about;
      const each = seconds / cells.length;
      if (!first) { // the first picture reads the checkpoint too
        this.still = each > STILL_S;
        const slow = this.map.few ? each > QUICK_S : each > SLOW_S;
        if (slow !== this.map.few) {
          this.map.slow(slow);
          setTimeout(() => this.laidOut(), 0);
        }
        return;
      }
      const has = about.truncation !== null;
      this.truncation.disabled = !has;
      this.truncation.value = String(has ? about.truncation : 1);
      this.help.firstChild.textContent = has ? TRUNCATION[0] : `${about.title} has no truncation: what lies far from the average cannot be told from what lies near. StyleGAN2 has one.`;
      this.truncated.toggleAttribute("data-none", !has);
      this.label.hidden = about.classes.length < 2;
      this.label.replaceChildren(...about.classes.map((name) => make("option", { value: name }, name || "without a class")));
    }

    timed({ cells, seconds }) {
      if (this.about.truncation !== null) this.share.textContent = Number(this.truncation.value).toFixed(2);
      else this.share.textContent = "none";
      const ms = (1000 * seconds) / cells.length;
      const slow = this.map.few ? ` This network is slow: fewer images are drawn${this.still ? ", and when you let go" : ""}.` : "";
      const noise = this.about.method === "diffusion" ? " Here the latent is the noise that an image begins with." : "";
      const near = this.map.step < 1 ? ` Steps of 1/${Math.round(1 / this.map.step)} of the way between two seeds.` : "";
      return `Drag to move over the map. ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms for each image.${near}${slow}${noise}`;
    }

    // For the line, the buttons and the marks

    pick(image, elsewhere = false) {
      this.picked = image;
      if (elsewhere) this.map.unselect();
      else if (this.strip) this.strip.select(-1);
      this.words.textContent = image ? named(image) : "";
      this.words.title = image ? whole(image) : "";
      this.marks();
    }

    asKept({ place, weights }) {
      const { about } = this;
      return {
        run: about.run, run_name: about.name, method: about.method, images_seen: about.images_seen, checkpoint_sha256: about.checkpoint_sha256, latent_dim: about.latent_dim,
        class: about.classes.length ? this.label.value : "", truncation: about.truncation === null ? null : Number(this.truncation.value), place, weights,
      };
    }

    marks() {
      if (!this.kept || !this.buttons) return; // still being built
      const { picked } = this;
      const own = picked && picked.canvas; // not one that was pressed in the list
      for (const button of Object.values(this.buttons)) button.disabled = !picked || !this.about;
      this.buttons.keep.disabled = this.buttons.keep.disabled || !own;
      const isKept = Boolean(own && this.about && this.kept.find(this.asKept(picked)) >= 0);
      this.buttons.keep.textContent = isKept ? "★ Kept" : "Keep";
      this.buttons.keep.setAttribute("aria-pressed", String(isKept));
      if (!this.about) return;
      const { first, second } = this.strip.ends;
      this.map.mark((place) => [this.kept.find(this.asKept({ place })) >= 0 ? "★" : "", same(place, first) ? "A" : "", same(place, second) ? "B" : ""].join(""));
    }

    act(verb) {
      const { picked } = this;
      if (!picked || !this.about) return;
      if (verb === "keep") {
        if (picked.canvas) this.kept.toggle(this.asKept(picked), picked.canvas);
        return;
      }
      this.strip.put(verb, picked.place, picked.weights);
      this.marks();
      this.drawStrip();
    }
  }

  lab.measuredViews.latents = Latents;
})();
