// Scorecard: the seven criteria of the FDA's scorecard for synthetic medical data, each with its figures or none.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
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
      this.list.replaceChildren(...data.scorecard.map(({ name, question, metrics, advice, facts }) => {
        const found = rows.filter((row) => metrics.includes(row.name));
        const figures = found.map((row) => make("li", {}, make("span", {}, row.title), make("b", {}, `${row.text}${row.unit ? ` ${row.unit}` : ""}`), make("span", {}, `real ${row.baseline_text}. ${row.said}`)));
        const assessed = found.length + facts.length > 0;
        return make("li", { "data-criterion": name.toLowerCase(), "data-assessed": assessed },
          make("h4", {}, name), make("p", {}, question), ...facts.map((fact) => make("p", {}, fact)),
          assessed ? make("ul", {}, ...figures) : make("p", { class: "lab-scorecard-none" }, make("em", {}, "Not assessed. "), advice));
      }));
    }
  }

  lab.measuredViews.scorecard = Scorecard;
})();
