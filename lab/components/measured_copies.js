// Copies: the synthetic images most like a training image, each beside it and beside the difference of the two.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  const SIDE = 192; // pixels of a picture in the gallery

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const percent = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %` : "–");

  function sentences(copies) {
    const flagged = copies.pairs.filter((pair) => pair.flagged).length;
    const count = Math.round(copies.value * copies.n_synthetic);
    const words = [make("b", {}, count ? `${count.toLocaleString("en")} of ${copies.n_synthetic.toLocaleString("en")} synthetic images look like copies` : "No copies were found"),
      `: ${percent(copies.value)}, 95 % interval ${percent(copies.low)} to ${percent(copies.high)}. `];
    words.push(`Flagged is a likeness (NCC) above ${Number.isFinite(copies.threshold) ? copies.threshold.toFixed(3) : "–"}, which ${percent(copies.nominal_rate)} of new patients' images exceed; set on ${Number(copies.calibrated_images).toLocaleString("en")} ${copies.calibrated_on}. `);
    if (count > flagged) words.push(`The ${flagged} most alike are shown. `);
    const { by_features: more = {} } = copies;
    if (Number.isFinite(more.authentic_share)) {
      const held = Number.isFinite(more.authentic_share_held_out) ? `, held-out reals ${percent(more.authentic_share_held_out)}` : "";
      const test = Number.isFinite(more.c_t) ? `; C_T ${more.c_t.toFixed(2)}, below −3 means copying` : "";
      words.push(make("span", { title: more.caveat }, `By features: authentic ${percent(more.authentic_share)}${held}${test}.`));
    }
    return words;
  }

  class Copies {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.words = make("p", { class: "lab-copies-words" });
      this.warnings = make("div", {});
      this.list = make("ul", { class: "lab-copies-list", "aria-label": "The pairs most alike" });
      root.append(this.words, this.warnings, this.list);
    }

    show(data) {
      const { copies } = data;
      this.list.replaceChildren();
      this.warnings.replaceChildren();
      if (!copies) {
        const how = "Tick “Copies of training images” in the middle and press Measure. A held-out set, if there is one, makes the yardstick surer.";
        this.words.textContent = data.live ? "The copies are shown when the measurement is done." : `Copies were not looked for in this measurement. ${how}`;
        return;
      }
      this.words.replaceChildren(...sentences(copies));
      this.warnings.replaceChildren(...(copies.warnings || []).filter((text) => !text.includes("see the gallery")).map((text) => make("p", { class: "lab-score-warning" }, text)));
      if (!data.pictures) {
        this.words.append(" The images themselves are no longer in the workspace.");
        return;
      }
      this.list.replaceChildren(...copies.pairs.map((pair, place) => this.pair(pair, place, copies.pairs)));
    }

    pair(pair, place, pairs) {
      const picture = (kind, index, text) => make("figure", { class: kind },
        make("img", { src: this.hub.address(kind, index, kind === "difference" ? pair.real : null, SIDE), alt: `${text} ${index}`, title: kind === "difference" ? "Absolute difference after laying one over the other: black is equal" : null, loading: "lazy", draggable: "false" }), make("figcaption", {}, text));
      const button = make("button", {
        type: "button", class: "lab-copies-pair", "data-flagged": pair.flagged, "data-index": pair.index, "data-real": pair.real,
        title: "Open the two on top of one another",
      }, make("span", { class: "lab-copies-pictures" }, picture("synthetic", pair.index, "synthetic"), picture("real", pair.real, "nearest real"), picture("difference", pair.index, "difference")),
      make("span", { class: "lab-copies-about" }, make("b", {}, `NCC ${pair.ncc.toFixed(3)}`), pair.flagged ? make("em", {}, "copy") : null, make("span", { title: "How the synthetic image was moved to lie over the real one" }, pair.words)));
      button.addEventListener("click", () => lab.wipe(this.hub, pairs.map((one) => ({
        index: one.index, nearest: one.real, laid: one.words !== "as it is", text: `NCC ${one.ncc.toFixed(3)}${one.flagged ? ", flagged as a copy" : ""}; ${one.words}`,
      })), place));
      return make("li", {}, button);
    }
  }

  lab.measuredViews.copies = Copies;
})();
