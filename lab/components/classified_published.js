// Published: what a study printed for its classifiers and training sets, beside what came out here.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const FILES = [["published.csv", "CSV", "Every printed number with ours, its interval and how many images were asked about"], ["published.md", "Markdown", "These tables, with what must be known of them"]];

  class Published {
    static fits(data) {
      return !data.live && (data.published || []).length > 0;
    }

    constructor(root, tools, hub) {
      const { make } = lab.classifiedParts;
      this.root = root;
      this.hub = hub;
      this.exports = make("div", { class: "lab-classified-exports", role: "group", "aria-label": "Save these tables" });
      tools.append(this.exports);
    }

    show(data) {
      const { make } = lab.classifiedParts;
      this.data = data;
      this.exports.replaceChildren(...FILES.map(([name, title, help]) => make("a", { href: this.hub.address(`download/${name}`), download: `${this.hub.shown}-${name}`, title: help }, title)));
      this.root.replaceChildren(...(data.published || []).flatMap((study) => this.study(study)));
    }

    study(study) {
      const { make } = lab.classifiedParts;
      const [data, caution, here, ...more] = study.notes;
      const said = make("div", { class: "lab-classified-said" }, make("p", {}, make("b", {}, `${study.citation}.`), ` ${data}`), make("p", {}, caution), make("p", {}, here));
      const differs = make("details", { class: "lab-classified-more" }, make("summary", {}, "What is done otherwise here, and what the study leaves open"), make("ul", {}, ...more.map((text) => make("li", {}, text))));
      const head = make("tr", {}, make("th", { scope: "col" }, "Training set"), ...study.columns.map(({ title }) => make("th", { scope: "col" }, title)), make("th", { scope: "col" }, "Asked about"));
      const bodies = [...new Set(study.rows.map((row) => row.classifier))].map((key) => {
        const rows = study.rows.filter((row) => row.classifier === key);
        return make("tbody", {}, make("tr", { class: "lab-results-group" }, make("th", { scope: "rowgroup", colspan: study.columns.length + 2 }, make("span", {}, rows[0].classifier_title))), ...rows.map((row) => this.row(study, row)));
      });
      const table = make("table", { class: "lab-results", "aria-label": `Printed by ${study.title}, and here` }, make("thead", {}, head), ...bodies);
      return [said, make("div", { class: "lab-matrix-room" }, table), differs];
    }

    row(study, row) {
      const { make, colourOf } = lab.classifiedParts;
      const mark = make("i", { class: "lab-arm-mark" });
      mark.style.background = colourOf(this.data, row.arm);
      const cells = study.columns.map(({ name }) => {
        const one = row.cells[name];
        if (!one) return make("td", { class: "lab-classified-dim" }, "");
        const [value, interval = ""] = one.text.split(/ (?=\[)/);
        const here = row.missing ? [make("span", { class: "lab-classified-dim" }, "not trained")] : [make("b", {}, value), make("span", { class: "lab-classified-dim" }, ` ${interval}`)];
        return make("td", {}, ...here, make("small", {}, `printed ${one.printed_text}`));
      });
      return make("tr", { "data-arm": row.arm, "data-classifier": row.classifier, title: row.missing || null },
        make("th", { scope: "row" }, mark, row.arm_title, ...[row.amounts, row.note && `printed: ${row.note}`].filter(Boolean).map((text) => make("small", {}, text))), ...cells,
        make("td", {}, `${row.n_test.toLocaleString("en")} images`, make("small", {}, `printed: ${row.test}`)));
    }
  }

  lab.classifiedViews.published = Published;
})();
