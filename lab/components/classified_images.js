// Images: the test images of a cell of the confusion matrix, each beside the training images that it is most like.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const AT_ONCE = 24;
  const SIDE = 192; // pixels of a small version
  const KINDS = {
    real: ["real", "A real training image"],
    synthetic: ["synthetic", "A synthetic training image"],
    augmented: ["augmented", "A turned, shifted or mirrored copy of this real training image"],
  };
  const LOOKED = "Where the answer of the first seed's network reacts most (Grad-CAM): not why, and not what a radiologist would look at. Kept of the surest mistakes first";

  const number = (value) => value.toFixed(2);
  const named = (image) => `image ${String(image.item || image.place).replace(/^image\s+/i, "")}`;
  const said = (error) => [error.words || error.message, error.detail, error.advice].filter(Boolean).filter((text, n, all) => all.indexOf(text) === n).join(" ");

  class Images {
    constructor(root, tools, hub) {
      const { make } = lab.classifiedParts;
      this.hub = hub;
      const list = (label, title) => {
        const select = make("select", { "aria-label": label, title });
        select.addEventListener("change", () => this.read());
        return select;
      };
      this.classifier = list("Classifier", "Who was asked");
      this.arm = list("Training set", "What it had learned from");
      this.true_ = list("True class", "What the images are");
      this.predicted = list("Taken for", "What they were taken for");
      this.heat = make("button", { type: "button", class: "lab-button lab-looked-toggle", "aria-pressed": "false", title: LOOKED }, "Where it reacted");
      this.heat.addEventListener("click", () => this.toggle());
      this.csv = make("a", { class: "lab-classified-save", title: "Every test image of this classifier and training set, with what each seed said of each class" }, "Predictions");
      const shade = make("i", { class: "lab-looked-key" });
      this.key_ = make("span", { class: "lab-classified-key", hidden: true, title: LOOKED }, "little", shade, "most");
      this.none = make("span", { class: "lab-classified-key", hidden: true }, "no maps: only networks have them, of their surest mistakes");
      tools.append(this.none, this.key_, this.heat, this.csv);
      const arrow = make("span", { "aria-hidden": "true" }, "taken for");
      this.choice = make("div", { class: "lab-looked-choice" }, this.classifier, this.arm, this.true_, arrow, this.predicted);
      this.words = make("p", { class: "lab-classified-about", role: "status" });
      this.list = make("ol", { class: "lab-looked-list", "aria-label": "Test images, those said most surely first" });
      this.list.addEventListener("keydown", (event) => this.key(event));
      this.more = make("button", { type: "button", class: "lab-button", hidden: true });
      this.more.addEventListener("click", () => this.page());
      root.append(this.choice, this.words, this.list, this.more);
    }

    show(data) {
      const { make } = lab.classifiedParts;
      this.data = data;
      const some = data.summary.length > 0;
      for (const part of [this.choice, this.heat, this.csv, this.list]) part.hidden = !some;
      if (!some) {
        this.none.hidden = this.key_.hidden = true;
        this.asked = {};
        this.list.replaceChildren();
        this.more.hidden = true;
        this.words.textContent = data.live ? "Single images are shown when the comparison is done." : "This comparison has no finished training set.";
        return;
      }
      const fill = (select, entries, wanted) => {
        const before = select.value;
        select.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));
        const known = (value) => entries.some(([one]) => one === String(value));
        select.value = known(wanted) ? String(wanted) : known(before) ? before : entries[0][0];
      };
      const numbered = (names) => names.map((name, n) => [String(n), name]);
      const fresh = JSON.stringify(this.hub.chosen) !== this.taken; // somebody has chosen a cell elsewhere
      this.taken = JSON.stringify(this.hub.chosen);
      const chosen = fresh ? this.hub.chosen : {};
      fill(this.classifier, data.classifiers.map((one) => [one.key, one.title]), chosen.classifier);
      fill(this.arm, data.arms.map((one) => [one.name, one.title]), chosen.arm);
      const opened = this.opened !== this.hub.shown;
      this.opened = this.hub.shown;
      const positive = Math.max(0, data.classes.indexOf(data.positive));
      const other = positive === 0 ? 1 : 0;
      // At first what matters most: missed images of the class of interest.
      fill(this.true_, numbered(data.classes), chosen.true ?? (opened ? positive : undefined));
      fill(this.predicted, numbered(data.classes), chosen.predicted ?? (opened ? other : undefined));
      if (opened || JSON.stringify(this.of()) !== JSON.stringify(this.asked)) this.read();
    }

    of() {
      return {
        classifier: this.data.classifiers.findIndex((one) => one.key === this.classifier.value),
        arm: this.data.arms.findIndex((one) => one.name === this.arm.value),
        true: Number(this.true_.value),
        predicted: Number(this.predicted.value),
      };
    }

    read() {
      this.asked = this.of();
      this.found = [];
      this.total = null;
      this.list.replaceChildren();
      this.more.hidden = true;
      this.words.textContent = "Reading.";
      const { classifier, arm } = this.asked;
      this.csv.href = this.hub.address(`predictions?${new URLSearchParams({ classifier, arm })}`);
      return this.page();
    }

    async page() {
      const { asked } = this;
      let answer;
      try {
        answer = await lab.get(this.hub.address(`images?${new URLSearchParams({ ...asked, start: this.found.length, count: AT_ONCE })}`));
      } catch (error) {
        if (asked === this.asked) this.words.textContent = said(error);
        return;
      }
      if (asked !== this.asked) return;
      this.total = answer.total;
      this.seeds = answer.seeds;
      const from = this.found.length;
      this.found.push(...answer.images);
      this.list.append(...answer.images.map((image, n) => this.row(image, from + n)));
      const left = this.total - this.found.length;
      this.more.hidden = left <= 0;
      this.more.textContent = `Show ${Math.min(AT_ONCE, left)} more of ${left.toLocaleString("en")}`;
      this.say();
    }

    say() {
      const { classes } = this.data;
      const { true: is, predicted } = this.asked;
      const count = this.total.toLocaleString("en");
      const images = `${count} ${classes[is]} image${this.total === 1 ? "" : "s"}`;
      const seeds = this.seeds > 1 ? `at least one of ${this.seeds} seeds` : "its one seed";
      const what = this.total ? `${images} ${this.total === 1 ? "was" : "were"} taken for ${classes[predicted]} by ${seeds}: those that most seeds took so come first, the surest of them before the others.` : `No ${classes[is]} image was taken for ${classes[predicted]}.`;
      const near = this.found.some((image) => image.nearest.length) ? " Beside each, the training images nearest to it by what the first seed's classifier decides by, the nearest first; a class in red is not the image's own."
        : this.total ? " Its nearest training images were not kept." : "";
      this.words.textContent = what + near;
      const mapped = this.found.some((image) => image.mapped);
      this.heat.disabled = !mapped;
      this.none.hidden = mapped || !this.total;
      this.key_.hidden = !mapped || this.heat.getAttribute("aria-pressed") !== "true";
    }

    picture(image, side) {
      const more = new URLSearchParams({ v: this.data.created });
      if (side) more.set("side", side);
      return this.hub.address(`picture/${encodeURIComponent(image.set)}/${image.place}?${more}`);
    }

    map(image) {
      const { classifier, arm } = this.asked;
      return this.hub.address(`saliency/${image.index}?${new URLSearchParams({ classifier, arm, v: this.data.created })}`);
    }

    // What was said of an image, in words.
    told(image) {
      const spread = this.seeds > 1 && image.high - image.low >= 0.005 ? ` (${number(image.low)} to ${number(image.high)})` : "";
      return { score: `${number(image.probability)}${spread}`, seeds: `${image.said} of ${this.seeds} seed${this.seeds === 1 ? "" : "s"}` };
    }

    row(image, place) {
      const { make } = lab.classifiedParts;
      const wrong = this.asked.true !== this.asked.predicted;
      const { score, seeds } = this.told(image);
      const taken = this.data.classes[this.asked.predicted];
      const words = `Test ${named(image)}, ${image.label}, taken for ${taken}: ${score}`;
      const stage = make("span", { class: "lab-looked-stage" }, make("img", { src: this.picture(image, SIDE), alt: words, loading: "lazy", draggable: "false" }));
      if (image.mapped) stage.append(make("img", { class: "heat", src: this.map(image), alt: "", loading: "lazy", draggable: "false" }));
      const about = make("span", { class: "lab-looked-about" },
        make("b", { title: "Mean probability of this class over the seeds, with the least and the most" }, `${taken} ${score}`),
        make("span", { "data-wrong": wrong ? "yes" : "no" }, `${wrong ? "✗" : "✓"} is ${image.label}`), make("span", { title: "So many seeds took it for this class" }, seeds),
        make("span", {}, [named(image), image.patient && `patient ${image.patient}`].filter(Boolean).join(" · ")));
      const near = make("span", { class: "lab-looked-near" }, ...image.nearest.map((one) => this.neighbour(one, image)));
      const button = make("button", { type: "button", class: "lab-looked-one", "data-index": image.index, title: "Open it large, beside a training image. Arrow keys go to the next" }, stage, about, near);
      button.addEventListener("click", (event) => this.open(place, Math.max(0, [...near.children].indexOf(event.target.closest(".lab-looked-figure")))));
      return make("li", {}, button);
    }

    neighbour(one, image, tag = "span") {
      const { make } = lab.classifiedParts;
      const [kind, title] = KINDS[one.kind];
      const figure = make(tag, { type: tag === "button" ? "button" : null, class: `lab-looked-figure ${one.kind}`, "data-same": one.label === image.label ? "yes" : "no", title: `${title}: ${named(one)}, ${one.label}${one.patient ? `, patient ${one.patient}` : ""}` });
      figure.append(make("img", { src: this.picture(one, SIDE), alt: `${kind}, ${one.label}`, loading: "lazy", draggable: "false" }), make("em", {}, kind), make("small", {}, one.label));
      return figure;
    }

    toggle() {
      const on = this.heat.getAttribute("aria-pressed") !== "true";
      this.heat.setAttribute("aria-pressed", String(on));
      this.list.toggleAttribute("data-heat", on);
      this.key_.hidden = !on;
    }

    key(event) {
      const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const buttons = [...this.list.querySelectorAll(".lab-looked-one")];
      const next = buttons[buttons.indexOf(document.activeElement) + step];
      if (!step || !next) return;
      event.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }

    // One image large beside one of its nearest training images, with its map over it as strongly as one likes.
    open(start, nearest = 0) {
      const { make } = lab.classifiedParts;
      let place = start;
      const image = make("img", { alt: "", draggable: "false" });
      const heat = make("img", { class: "heat", alt: "", draggable: "false" });
      const slider = make("input", { type: "range", min: 0, max: 100, value: 60, "aria-label": "Strength of the map of where it reacted" });
      const strength = make("label", { class: "lab-looked-strength", title: LOOKED }, make("span", {}, "where it reacted"), slider, "little", make("i", { class: "lab-looked-key" }), "most");
      const caption = make("figcaption", {});
      const other = make("img", { alt: "", draggable: "false" });
      const otherCaption = make("figcaption", {});
      const beside = make("figure", {}, make("div", { class: "lab-looked-stage" }, other), otherCaption);
      const words = make("p", { role: "status" });
      const near = make("div", { class: "lab-looked-near" });
      const step = (text, by, name) => {
        const button = make("button", { type: "button", class: "lab-button plain", "aria-label": name, title: name }, text);
        button.addEventListener("click", () => go(place + by));
        return button;
      };
      const close = make("button", { type: "button", class: "lab-button plain" }, "Close");
      const dialog = make("dialog", { class: "lab-dialog lab-looked-large", "aria-label": "A test image and its nearest training images" },
        make("div", { class: "lab-looked-pair" }, make("figure", {}, make("div", { class: "lab-looked-stage" }, image, heat), caption), beside), strength, words, near,
        make("div", { class: "lab-wipe-foot" }, step("←", -1, "The image before"), step("→", 1, "The next image"), make("span", { class: "lab-space" }), close));
      const fade = () => { heat.style.opacity = String(slider.value / 100); };
      const compare = (n) => {
        const one = this.found[place];
        const shown = one.nearest[n];
        beside.hidden = !shown;
        if (!shown) return;
        [...near.children].forEach((button, k) => button.setAttribute("aria-pressed", String(k === n)));
        other.src = this.picture(shown);
        other.alt = `Training ${named(shown)}`;
        const same = shown.label === one.label ? "yes" : "no";
        otherCaption.replaceChildren(`${KINDS[shown.kind][1]}, `, make("b", { "data-same": same }, shown.label), make("br", {}), [named(shown), shown.patient && `patient ${shown.patient}`].filter(Boolean).join(", "));
      };
      const go = (next, n = 0) => {
        place = (next + this.found.length) % this.found.length;
        const one = this.found[place];
        const { score, seeds } = this.told(one);
        const taken = this.data.classes[this.asked.predicted];
        image.src = this.picture(one);
        image.alt = `Test ${named(one)}`;
        heat.hidden = strength.hidden = !one.mapped;
        if (one.mapped) heat.src = this.map(one);
        caption.replaceChildren("The test image, ", make("b", {}, one.label), make("br", {}), [named(one), one.patient && `patient ${one.patient}`].filter(Boolean).join(", "));
        words.textContent = `${place + 1} of ${this.found.length}${this.total > this.found.length ? ` (of ${this.total})` : ""}. ${seeds} took it for ${taken}, with a mean probability of ${score}.${one.nearest.length ? " Below, its nearest training images; a class in red is not its own." : ""}`;
        near.replaceChildren(...one.nearest.map((each, k) => {
          const button = this.neighbour(each, one, "button");
          button.addEventListener("click", () => compare(k));
          return button;
        }));
        compare(n);
        dialog.dataset.index = one.index;
        fade();
      };
      slider.addEventListener("input", fade);
      dialog.addEventListener("keydown", (event) => {
        if (event.target === slider && event.key.startsWith("Arrow")) return;
        if (event.key === "ArrowLeft") go(place - 1);
        else if (event.key === "ArrowRight") go(place + 1);
      });
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
      dialog.addEventListener("close", () => {
        dialog.remove();
        const back = this.list.querySelectorAll(".lab-looked-one")[place];
        if (back) back.focus();
      });
      close.addEventListener("click", () => dialog.close());
      document.body.append(dialog);
      go(start, nearest);
      dialog.showModal();
      close.focus();
    }
  }

  lab.classifiedViews.images = Images;
})();
