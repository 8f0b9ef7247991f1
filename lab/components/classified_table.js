// Results: every measure with its interval, for each classifier and training set, and the verdict with all it rests on.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Table {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.parts = lab.classifiedParts;
      this.which = make("select", { "aria-label": "Columns", title: "Which measures stand in the table, here and in the files" },
        make("option", { value: "main" }, "Main measures"), make("option", { value: "all" }, "All measures"), make("option", { value: "one" }, "This measure"));
      this.which.addEventListener("change", () => this.show(this.data));
      this.choice = new this.parts.MeasureChoice(tools, hub);
      tools.prepend(this.which);
      this.said = make("div", { class: "lab-classified-said" });
      this.table = make("table", { class: "lab-results", "aria-label": "Results" });
      this.classes = make("details", { class: "lab-classified-more" });
      this.foot = new this.parts.Foot(hub, "status");
      root.append(this.said, make("div", { class: "lab-matrix-room" }, this.table), this.classes, this.foot.root);
    }

    static fits(data) {
      return !data.live;
    }

    show(data) {
      this.data = data;
      const { parts } = this;
      this.choice.show(data);
      this.foot.begin();
      this.said.replaceChildren(...data.headline.map((text) => make("p", {}, text)));
      const all = parts.measuresOf(data);
      const main = data.main.filter((name) => all.includes(name));
      const measure = this.hub.measure;
      const others = this.which.value === "one" ? [] : this.which.value === "all" || !main.length ? all : main;
      const names = [measure, ...others.filter((name) => name !== measure)]; // the one that decides stands first
      this.hub.columns = names;
      this.hub.head();
      const column = (name) => {
        const about = data.measures[name] || {};
        const help = make("span", { class: "info-text" }, make("span", {}, about.summary || ""));
        return make("th", { scope: "col", "data-shown": String(name === measure) },
          make("span", { class: "lab-helped" }, make("span", { class: "label-text" }, parts.titleOf(data, name)), about.better === "lower" ? " ↓" : "", help));
      };
      const against = make("th", { scope: "col" }, "Against real alone", make("small", {}, `by ${parts.titleOf(data, measure)}`));
      const head = make("tr", {}, make("th", { scope: "col" }, "Training set"), column(measure), against, ...names.slice(1).map(column));
      const bodies = data.classifiers.map((classifier) => make("tbody", {},
        make("tr", { class: "lab-results-group" }, make("th", { scope: "rowgroup", colspan: names.length + 2 }, make("span", {}, classifier.title))),
        ...data.arms.map((arm) => this.row(classifier, arm, names))));
      this.table.replaceChildren(make("thead", {}, head), ...bodies);
      this.perClass();
      this.tell();
    }

    row(classifier, arm, names) {
      const { data, parts } = this;
      const line = parts.lineOf(data, classifier.key, arm.name);
      const mark = make("i", { class: "lab-arm-mark" });
      mark.style.background = parts.colourOf(data, arm.name);
      const few = parts.short(data, parts.rowsOf(data, classifier.key, arm.name).length);
      const title = make("th", { scope: "row" }, mark, arm.title, few ? make("small", {}, few) : "");
      if (!line) return make("tr", {}, title, make("td", { colspan: names.length + 1, class: "lab-classified-dim" }, make("span", {}, this.why(classifier.key, arm.name))));
      const cells = names.map((name) => {
        const [value, interval] = (line.texts[name] || "–").split(/ (?=\[)/);
        return make("td", {}, make("b", {}, value), interval ? make("small", {}, interval) : "");
      });
      const found = (line.differences || {})[this.hub.measure];
      const chosen = this.hub.chosen.classifier === classifier.key && this.hub.chosen.arm === arm.name;
      const said = make("td", { class: "lab-results-said" }, found ? this.difference(line, found, chosen)
        : make("span", { class: "lab-classified-dim" }, arm.protocol === "real" ? "the reference" : arm.tested === "synthetic" ? "not compared: tested on synthetic images" : "not compared: other seeds"));
      return make("tr", { "data-arm": arm.name, "data-classifier": classifier.key, "data-chosen": chosen ? "" : null }, title, cells[0], said, ...cells.slice(1));
    }

    // The verdict with its numbers; pressed, all that belongs to it is said at the foot.
    difference(line, found, chosen) {
      const { classifier, arm } = line;
      const button = make("button", { type: "button", "aria-pressed": String(chosen), title: line.said[this.hub.measure] }, this.parts.verdict(found.verdict), make("small", {}, found.text));
      button.addEventListener("click", () => {
        this.hub.choose({ classifier, arm });
        const again = this.table.querySelector('.lab-results-said button[aria-pressed="true"]');
        if (!again) return;
        again.focus({ preventScroll: true });
        this.foot.bring(again);
      });
      return button;
    }

    tell() {
      const { data, parts } = this;
      const { classifier, arm } = this.hub.chosen;
      const line = parts.lineOf(data, classifier, arm);
      const said = line && (line.said || {})[this.hub.measure];
      if (said) this.foot.say(`${parts.classifierOf(data, classifier).title} · ${parts.armOf(data, arm).title}`, this.foot.ways(data, { classifier, arm }), said);
      else this.foot.hint("Choose a verdict to read it in full.");
    }

    why(classifier, arm) {
      const refused = this.data.not_done.find((one) => one.classifier === classifier && one.arm === arm);
      return refused ? `Not trained. ${refused.what} ${refused.why} ${refused.advice}` : "Not trained yet: the comparison was stopped. Continue goes on from here.";
    }

    // Each class against the others, closed at first.
    perClass() {
      const { data, parts } = this;
      const rows = data.summary.flatMap((line) => line.classes.map((one, place) => make("tr", {},
        ...[parts.classifierOf(data, line.classifier).title, parts.armOf(data, line.arm).title, data.classes[place]].map((text) => make("td", {}, text)),
        ...["images", "precision", "recall", "specificity", "f1", "auroc", "auprc"].map((name) => make("td", {}, name === "images" ? String(one.images) : parts.number(one[name]))))));
      const head = make("tr", {}, ...["Classifier", "Training set", "Class", "Images", "Precision", "Recall", "Specificity", "F1", "AUROC", "AUPRC"].map((text) => make("th", {}, text)));
      const open = this.classes.open;
      this.classes.replaceChildren(make("summary", {}, "Each class against the others"), make("div", { class: "lab-matrix-room" }, make("table", { class: "lab-matrix-seeds" }, make("thead", {}, head), make("tbody", {}, ...rows))));
      this.classes.open = open;
    }
  }

  lab.classifiedViews.table = Table;
})();
