// Scorecard: the seven criteria of the FDA's scorecard for synthetic medical data, each with its figures or none.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  // After Zamzmi et al., Communications Engineering 2025, 4:130; which of our numbers speak to which criterion.
  const CRITERIA = [
    ["Congruence", "Are the synthetic images distributed like the real ones?", ["kid", "fid", "ftd", "swd", "grey_emd", "precision", "density", "realism", "psnr", "ssim", "lpips"], "Measure one of the distances, such as KID or the texture distance."],
    ["Coverage", "Do they show the variety of the real ones?", ["recall", "coverage", "ms_ssim"], "Measure recall, coverage or the diversity."],
    ["Constraint", "Do they keep to anatomy and physics?", [], "No metric here says it: look at the images, or curate the synthetic set for its shape."],
    ["Completeness", "Does the set hold the information that its use needs?", [], "Look at the classes and the counts of the set on the Data tab."],
    ["Compliance", "Do they protect the patients of the training images?", ["memorisation"], "Measure the copies of training images, with a held-out set."],
    ["Comprehension", "Is the set described so that others can judge it?", [], "The report and the export's data sheet are part of it; judging them is a reader's work."],
    ["Consistency", "Do the results hold for other seeds and other data?", [], "Measure runs of several seeds; every number here has the interval of one."],
  ];

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Scorecard {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.list = make("ul", { class: "lab-scorecard", "aria-label": "Scorecard" });
      root.append(this.list, make("p", { class: "lab-score-about" }, "After the scorecard for synthetic medical data of Zamzmi et al., Communications Engineering 2025, 4:130. It lists figures; it passes no verdict."));
    }

    show(data) {
      const seen = Math.max(-1, ...data.rows.map((row) => row.images_seen ?? -1));
      const at = this.hub.checkpoint ?? (seen < 0 ? null : seen);
      const rows = data.rows.filter((row) => (row.images_seen ?? null) === at);
      this.list.replaceChildren(...CRITERIA.map(([title, question, names, advice]) => {
        const found = rows.filter((row) => names.includes(row.name));
        const figures = found.map((row) => make("li", {}, make("span", {}, row.title), make("b", {}, `${row.text}${row.unit ? ` ${row.unit}` : ""}`), make("span", {}, `real ${row.baseline_text}`)));
        return make("li", { "data-criterion": title.toLowerCase(), "data-assessed": found.length > 0 },
          make("h4", {}, title), make("p", {}, question), found.length ? make("ul", {}, ...figures) : make("p", { class: "lab-scorecard-none" }, make("em", {}, "Not assessed. "), advice));
      }));
    }
  }

  lab.measuredViews.scorecard = Scorecard;
})();
