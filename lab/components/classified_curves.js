// Curves: ROC, precision-recall and calibration of a class against the others, a chart for each classifier with a line
// for each training set.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const ALL = "";
  const COLOURS = 6; // of training sets; then dashes tell them apart
  const KINDS = {
    roc: {
      title: "ROC", x: "false positive rate", y: "true positive rate", diagonal: true,
      about: "The share of positives found against the share of false alarms, over all thresholds: mean of the seeds, the band from the lowest to the highest of them. The dashed line is a coin.",
    },
    precision_recall: {
      title: "Precision and recall", x: "recall", y: "precision", diagonal: false,
      about: "Of what is called positive, the share that is, against the share of positives found; of the mean probability of the seeds. A coin reaches the share of positives.",
    },
    calibration: {
      title: "Calibration", x: "probability said", y: "share that was positive", diagonal: true,
      about: "Bins of equally many test images: what was said against what was so, of the mean probability of the seeds. On the dashed line probabilities can be taken at their word; below it they are too high.",
    },
  };

  class Curves {
    constructor(root, tools, hub) {
      const { make } = lab.classifiedParts;
      this.hub = hub;
      this.kind = make("select", { "aria-label": "Kind of curve" }, ...Object.entries(KINDS).map(([name, { title }]) => make("option", { value: name }, title)));
      this.kind.addEventListener("change", () => this.draw());
      this.classifier = make("select", { "aria-label": "Classifier", title: "One classifier large, or all side by side" });
      this.classifier.addEventListener("change", () => this.draw());
      this.label = make("select", { "aria-label": "Positive class", title: "Which class is told from all others" });
      this.label.addEventListener("change", () => this.draw());
      tools.append(this.kind, this.label, this.classifier);
      this.words = make("p", { class: "lab-classified-about", role: "status" });
      this.legend = new lab.classifiedChart.Legend("Training sets", () => this.draw());
      this.list = make("div", { class: "lab-curves-list" });
      root.append(this.legend.root, this.list, this.words);
      this.charts = new Map();
    }

    show(data) {
      const { make, colourOf } = lab.classifiedParts;
      this.data = data;
      const some = data.curves.some((one) => one.roc && one.roc.x.length);
      for (const part of [this.kind, this.label, this.classifier, this.legend.root, this.list]) part.hidden = !some;
      if (!some) {
        this.words.textContent = data.live ? "The curves are drawn when the comparison is done."
          : "No curves were kept with this comparison. Press Compare again: they are drawn, and nothing is trained anew.";
        return;
      }
      const before = this.classifier.value;
      const keys = data.classifiers.filter((one) => data.curves.some((curve) => curve.classifier === one.key));
      this.classifier.replaceChildren(make("option", { value: ALL }, "all classifiers"), ...keys.map((one) => make("option", { value: one.key }, one.title)));
      const wanted = this.hub.chosen.classifier;
      const known = (key) => keys.some((one) => one.key === key);
      this.classifier.value = wanted !== this.taken && known(wanted) ? wanted : known(before) ? before : ALL;
      this.taken = wanted;
      this.classifier.hidden = keys.length < 2;
      this.keys = keys;
      this.lines = data.arms.map((arm, n) => ({ name: arm.name, title: arm.title, colour: colourOf(data, arm.name), dash: Math.floor(Math.max(0, n - 1) / COLOURS) }));
      this.legend.show(this.lines);
      this.offerClasses(data);
      this.draw();
    }

    // Which classes there are curves of; the class of interest comes first.
    offerClasses(data) {
      const { make } = lab.classifiedParts;
      const interest = data.classes.indexOf(data.positive);
      const places = [...new Set(data.curves.filter((one) => one.roc && one.roc.x.length).map((one) => this.classOf(one)))];
      places.sort((one, other) => (other === interest) - (one === interest) || one - other);
      const before = `${this.hub.shown} ${this.label.value}`;
      this.label.replaceChildren(...places.map((place) => make("option", { value: place }, data.classes[place] || "positive")));
      const same = places.find((place) => before === `${this.offered} ${place}`);
      this.label.value = same === undefined ? places[0] : same;
      this.offered = this.hub.shown;
      this.label.hidden = places.length < 2;
    }

    // Comparisons made before there was a curve for each class kept those of the class of interest only.
    classOf(curve) {
      return Number.isInteger(curve.class) ? curve.class : this.data.classes.indexOf(this.data.positive);
    }

    draw() {
      const { make } = lab.classifiedParts;
      const name = this.kind.value;
      const kind = KINDS[name];
      const shown = this.classifier.value === ALL ? this.keys : this.keys.filter((one) => one.key === this.classifier.value);
      const many = name === "roc" && this.lines.length - this.legend.off.size > 3 ? " Point at a name above for its band." : "";
      this.words.textContent = `${kind.about}${many}${this.data.classes[this.label.value] ? ` Positive: ${this.data.classes[this.label.value]}${this.data.classes.length > 2 ? ", against all other classes" : ""}.` : ""}`;
      this.list.dataset.count = Math.min(shown.length, 3);
      this.list.replaceChildren(...shown.map((one) => {
        if (!this.charts.has(one.key)) {
          const chart = new lab.classifiedChart.Chart({ label: one.title, square: true });
          const save = make("button", { type: "button", class: "lab-classified-save", title: "Save this chart as a picture" }, "PNG");
          save.addEventListener("click", () => chart.save(`${this.hub.shown}-${one.key.replace(/[^a-z0-9_]+/gi, "-")}-${this.kind.value}${this.label.hidden ? "" : `-${this.label.value}`}.png`));
          const head = make("figcaption", {}, make("b", {}, one.title), save);
          this.charts.set(one.key, { chart, root: make("figure", { class: "lab-curves-one", "data-classifier": one.key }, head, chart.root) });
        }
        const { chart, root } = this.charts.get(one.key);
        const span = (title) => ({ low: 0, high: 1, title });
        chart.show({ x: span(kind.x), y: span(kind.y), diagonal: kind.diagonal, lines: this.of(one.key, name) });
        return root;
      }));
    }

    of(classifier, kind) {
      return this.lines.filter((line) => !this.legend.off.has(line.name)).flatMap((line) => {
        const found = this.data.curves.find((one) => one.classifier === classifier && one.arm === line.name && String(this.classOf(one)) === this.label.value);
        if (!found || !found[kind]) return [];
        const { name, ...look } = { ...line, strong: line.name === this.legend.strong };
        if (kind === "calibration") {
          const { said, happened, images } = found.calibration;
          return [{ ...look, name: line.title, dots: true, points: said.map((x, n) => ({ x, y: happened[n], text: `${images[n]} images` })) }];
        }
        const { x, y, low = [], high = [] } = found[kind];
        return [{ ...look, name: line.title, points: x.map((at, n) => ({ x: at, y: y[n], low: low[n], high: high[n] })) }];
      });
    }
  }

  lab.classifiedViews.curves = Curves;
})();
