// Images of latent spaces that were kept: a list that stays with the browser's tab, and files that make them again.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const { isSeed, named, same, thumbnail, whole } = lab.latentCells;
  const REMEMBERED = "lab.explore.kept";
  const HOW = "Each image comes from one checkpoint of a run, told by its hash, and from a seed; or from several: then “place” says how. "
    + "first, second and at: the share “at” of the way from one latent to the other, the direction along the arc between them, the length evenly from one's to the other's. "
    + "“weights” are the seeds' factors in the sum. A seed's latent is torch.randn(1, latent_dim, generator=torch.Generator().manual_seed(seed)). "
    + "truncation null: as the run has it. "
    + "To draw them again: phantom-lab generate RUN --checkpoint IMAGES_SEEN --count 1 --set 'places=[…]', with seeds and places in the list, --label and --set truncation=… where they are given.";
  const KEPT_ALIKE = ["run", "checkpoint_sha256", "class", "truncation"];
  const COLUMNS = ["run", "images_seen", "checkpoint_sha256", "method", "class", "truncation", "seed", "place", "weights"];

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  // A text that a spreadsheet would take for a formula gets a mark before it, as in the lab's other tables.
  const plain = (value) => (/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
  const cell = (value) => (/[",\n]/.test(value) ? `"${plain(value).replaceAll('"', '""')}"` : plain(value));

  class LatentKept {
    // `changed()` after every change, `chosen(entry)` when one is pressed.
    constructor({ changed, chosen }) {
      Object.assign(this, { changed, chosen });
      this.list = make("ul", { "aria-label": "Kept images" });
      this.head = make("b", {});
      this.empty = make("p", {}, "Keep images that you want to find again: select one and press Keep, or press it twice.");
      this.saves = [["JSON", "json"], ["CSV", "csv"]].map(([title, kind]) => {
        const button = make("button", { type: "button", class: "lab-button", title: `Save run, checkpoint, seeds, class and truncation of these images as ${title}: enough to make them again` }, `Save ${title}`);
        button.addEventListener("click", () => this.save(kind));
        return button;
      });
      this.make = make("button", { type: "button", class: "lab-button" }, "Make image set");
      this.make.addEventListener("click", () => this.generate());
      this.root = make("section", { class: "lab-latent-kept", "aria-label": "Kept images" }, this.head, this.empty, this.list, make("div", { class: "lab-latent-saves" }, ...this.saves), this.make);
      try {
        this.entries = JSON.parse(sessionStorage.getItem(REMEMBERED) || "[]");
      } catch {
        this.entries = [];
      }
      this.draw();
    }

    find(about) {
      return this.entries.findIndex((one) => one.checkpoint_sha256 === about.checkpoint_sha256 && one.class === about.class && one.truncation === about.truncation && same(one.place, about.place));
    }

    // Keeps an image, or lets it go if it is kept already.
    toggle(about, canvas) {
      const at = this.find(about);
      if (at < 0) this.entries.push({ ...about, picture: thumbnail(canvas) });
      else this.entries.splice(at, 1);
      this.draw();
    }

    draw() {
      try {
        sessionStorage.setItem(REMEMBERED, JSON.stringify(this.entries));
      } catch { /* they last as long as the page */ }
      this.head.textContent = this.entries.length ? `Kept · ${this.entries.length}` : "Kept";
      this.empty.hidden = this.entries.length > 0;
      const alike = this.entries.every((one) => KEPT_ALIKE.every((name) => one[name] === this.entries[0][name]));
      this.make.disabled = !this.entries.length || !alike;
      this.make.title = alike ? "Draw these images into a synthetic image set, in their full size" : "Images of one set are of one run, checkpoint, class and truncation: let go of the others, or save them as a file";
      for (const button of this.saves) button.disabled = !this.entries.length;
      this.list.replaceChildren(...this.entries.map((entry) => {
        const seed = isSeed(entry.place) ? String(entry.place) : `${entry.weights.length} seeds`;
        const about = [`${lab.curve.kimg(entry.images_seen)} kimg`, entry.class, entry.truncation === null ? "" : `truncation ${entry.truncation}`].filter(Boolean).join(" · ");
        const show = make("button", { type: "button", class: "lab-latent-entry", title: `${whole(entry)}\n${entry.run} · ${about}` }, make("img", { src: entry.picture, alt: "", draggable: "false" }), make("span", {}, make("span", {}, seed), make("small", {}, about)));
        show.addEventListener("click", () => this.chosen(entry));
        const drop = make("button", { type: "button", class: "lab-latent-drop", "aria-label": `Let go of ${named(entry)}`, title: "Let go" }, "×");
        drop.addEventListener("click", () => {
          this.entries.splice(this.entries.indexOf(entry), 1);
          this.draw();
        });
        return make("li", {}, show, drop);
      }));
      this.changed();
    }

    async generate() {
      const [{ run, run_name: name, images_seen: seen, class: label, truncation }] = this.entries;
      const parameters = { run, checkpoint: String(seen), places: this.entries.map((entry) => entry.place), truncation, name: `${name} kept` };
      if (label) parameters.label = label;
      try {
        await lab.post("/lab/jobs", { kind: "generate", title: `generate ${run}`.slice(0, 80), parameters, client_key: Math.random().toString(36).slice(2) });
        lab.toast("Queued. The image set appears on the Export tab, and on the left when it is there.", "good");
      } catch (error) {
        lab.toast([error.words, error.advice].filter(Boolean).join(" "), "error");
      }
    }

    save(kind) {
      const images = this.entries.map(({ picture, place, ...about }) => ({ ...about, seed: isSeed(place) ? place : null, place: isSeed(place) ? null : place }));
      const rows = images.map((image) => COLUMNS.map((name) => {
        const value = image[name];
        return cell(value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
      }).join(","));
      const text = kind === "json" ? `${JSON.stringify({ about: HOW, images }, null, 2)}\n` : `${[COLUMNS.join(","), ...rows].join("\n")}\n`;
      lab.saveText({ name: `kept-images.${kind}`, text, type: kind === "json" ? "application/json" : "text/csv", said: `Saved ${images.length === 1 ? "one image's seeds" : `the seeds of ${images.length} images`}.` });
    }
  }

  lab.LatentKept = LatentKept;
})();
