// Phases: a measure of every classifier against the number of synthetic images added to the real ones, with intervals.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const COLOURS = ["--run-a", "--run-b", "--run-c", "--run-d", "--generator", "--discriminator"];
  const ROOM = 0.08; // above and below the values, as a share of their spread

  class Phases {
    static fits(data) {
      return data.arms.some((arm) => arm.protocol === "phases");
    }

    constructor(root, tools, hub) {
      const { make, MeasureChoice } = lab.classifiedParts;
      this.hub = hub;
      this.source = make("select", { "aria-label": "Synthetic set", title: "Which synthetic set was added" });
      this.source.addEventListener("change", () => this.draw());
      this.save = make("button", { type: "button", class: "lab-classified-save", title: "Save this chart as a picture" }, "PNG");
      this.save.addEventListener("click", () => this.chart.save(`${hub.shown || "comparison"}-phases-${hub.measure}.png`));
      tools.append(this.source);
      this.choice = new MeasureChoice(tools, hub);
      tools.append(this.save);
      this.chart = new lab.classifiedChart.Chart({ label: "Measure against synthetic images added", height: 380 });
      this.legend = new lab.classifiedChart.Legend("Classifiers", () => this.draw());
      this.words = make("p", { class: "lab-classified-about", role: "status" });
      root.append(this.legend.root, this.chart.root, this.words);
    }

    show(data) {
      const { make } = lab.classifiedParts;
      this.data = data;
      this.choice.show(data);
      const arms = data.arms.filter((arm) => arm.protocol === "phases");
      const sources = [...new Set(arms.map((arm) => arm.source))];
      const before = this.source.value;
      this.source.replaceChildren(...sources.map((id) => make("option", { value: id }, id)));
      this.source.value = sources.includes(before) ? before : sources[0] || "";
      this.source.hidden = sources.length < 2;
      this.keys = data.classifiers.map((one, n) => ({ name: one.key, title: one.title, colour: `var(${COLOURS[n % COLOURS.length]})`, dash: Math.floor(n / COLOURS.length) }));
      this.legend.show(this.keys);
      this.draw();
    }

    draw() {
      const { data } = this;
      const arms = data.arms.filter((arm) => arm.protocol === "real" || (arm.protocol === "phases" && arm.source === this.source.value));
      const lines = this.keys.filter((key) => !this.legend.off.has(key.name)).map(({ title, name, ...look }) => ({
        ...look, name: title, dots: true, strong: name === this.legend.strong,
        points: arms.flatMap((arm) => this.point(name, arm)).sort((one, other) => one.x - other.x),
      }));
      const points = lines.flatMap((line) => line.points);
      this.chart.root.hidden = !points.length;
      this.words.textContent = `${this.said(points)}${lines.length > 3 ? " Point at a name above for its band." : ""}`;
      if (!points.length) return;
      const numbers = points.flatMap((point) => [point.y, point.low, point.high]).filter(Number.isFinite);
      const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
      const room = ROOM * (most - least) || 0.05;
      const about = data.measures[this.hub.measure] || {};
      const values = [...new Set(arms.map((arm) => arm.n_synthetic))].sort((one, other) => one - other);
      this.chart.show({
        x: { low: 0, high: Math.max(1, ...values), title: "synthetic images added", whole: true, values: values.length <= 8 ? values : undefined },
        y: { low: Math.max(0, least - room), high: Math.min(about.upper || 1, most + room), title: lab.classifiedParts.titleOf(data, this.hub.measure) },
        lines,
      });
    }

    // With its interval when the comparison is done; while it goes on, the mean of the seeds so far.
    point(classifier, arm) {
      const { lineOf, rowsOf, mean } = lab.classifiedParts;
      const line = lineOf(this.data, classifier, arm.name);
      const found = line && line.measures[this.hub.measure];
      const verdict = line && line.differences && line.differences[this.hub.measure];
      const more = verdict ? { text: this.judged(verdict) } : {};
      if (found && Number.isFinite(found.value)) return [{ x: arm.n_synthetic, y: found.value, low: found.low, high: found.high, ...more }];
      const seeds = rowsOf(this.data, classifier, arm.name).map((row) => row.metrics[this.hub.measure]).filter(Number.isFinite);
      return seeds.length ? [{ x: arm.n_synthetic, y: mean(seeds) }] : [];
    }

    // Never “no difference”: what would have been missed stands beside it.
    judged({ verdict, least_detectable: least }) {
      if (verdict !== "no difference seen" || !Number.isFinite(least)) return verdict;
      return `${verdict} (under ${least.toFixed(2)} mostly missed)`;
    }

    said(points) {
      if (!points.length) return "The first training is on its way.";
      if (this.data.live) return "Means of the seeds that are done; intervals come when the comparison is done.";
      const line = this.data.summary.find((one) => (one.measures[this.hub.measure] || {}).about);
      const about = line ? line.measures[this.hub.measure].about : "";
      return `Bands are 95 % intervals${about ? ` (about ${about})` : ""}. Bands that overlap do not mean that nothing differs: the differences, paired by image and seed, are in “Differences”. Zero is training on real images alone.`;
    }
  }

  lab.classifiedViews.phases = Phases;
})();
