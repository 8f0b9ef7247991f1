// Tuning: every trial of a classifier's options by its loss on the validation images, the best so far, and what it took.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const STATES = { done: "done", pruned: "given up early", failed: "failed" };

  const shown = (value) => (typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 3 }) : Array.isArray(value) ? value.join(", ") : String(value));
  // A trial that was given up has no value: its last epoch says why.
  const reached = (trial) => (Number.isFinite(trial.value) ? trial.value : (trial.epochs || []).at(-1));

  class Tuning {
    static fits(data) {
      return data.tuned.length > 0 || (data.trials || []).length > 0;
    }

    constructor(root, tools, hub) {
      const { make } = lab.classifiedParts;
      this.hub = hub;
      this.classifier = make("select", { "aria-label": "Tuned classifier" });
      this.classifier.addEventListener("change", () => this.draw());
      this.save = make("button", { type: "button", class: "lab-classified-save", title: "Save this chart as a picture" }, "PNG");
      this.save.addEventListener("click", () => this.chart.save(`${hub.shown || "comparison"}-tuning.png`));
      tools.append(this.classifier, this.save);
      this.words = make("p", { class: "lab-classified-about", role: "status" });
      this.chart = new lab.classifiedChart.Chart({ label: "Loss on the validation images, trial by trial", height: 260, choose: (x) => this.see(Math.round(x) - 1) });
      this.table = make("table", { class: "lab-tuning-table", "aria-label": "Trials" });
      root.append(this.words, this.chart.root, this.table);
    }

    show(data) {
      const { make, classifierOf } = lab.classifiedParts;
      const found = new Map(data.tuned.map((one) => [one.classifier, one]));
      for (const trial of data.trials || []) {
        const one = found.get(trial.classifier) || { classifier: trial.classifier, history: [] };
        if (!data.tuned.includes(one)) found.set(trial.classifier, { ...one, history: [...one.history, trial] });
      }
      this.found = found;
      const before = this.classifier.value;
      const titles = [...found.keys()].map((key) => make("option", { value: key }, classifierOf(data, key).title));
      this.classifier.replaceChildren(...titles);
      this.classifier.value = found.has(before) ? before : found.keys().next().value || "";
      this.classifier.hidden = found.size < 2;
      this.draw();
    }

    draw() {
      const { make } = lab.classifiedParts;
      const one = this.found.get(this.classifier.value);
      const trials = one ? one.history : [];
      this.chart.root.hidden = this.table.hidden = !trials.length;
      if (!trials.length) {
        this.words.textContent = "No trial has ended yet.";
        return;
      }
      const done = trials.filter((trial) => Number.isFinite(trial.value));
      const best = done.reduce((least, trial) => (least === null || trial.value < least.value ? trial : least), null);
      const given = trials.length - done.length;
      this.words.replaceChildren(
        best ? make("b", {}, `Trial ${trials.indexOf(best) + 1} of ${trials.length}: log loss ${best.value.toFixed(3)}`) : make("b", {}, "No trial has ended yet"),
        ` on validation images; test images were never asked.${given ? ` ${given} ${given === 1 ? "was" : "were"} given up or failed.` : ""} The first trial is the options as they were. The best ones are used for every training set alike.`);
      this.plot(trials, best);
      const names = [...new Set(trials.flatMap((trial) => Object.keys(trial.options)))];
      const head = make("thead", {}, make("tr", {}, ...["Trial", "Log loss", ...names.map((name) => name.replaceAll("_", " ")), "State"].map((name) => make("th", { scope: "col" }, name))));
      this.rows = trials.map((trial, n) => make("tr", { "data-best": trial === best ? "yes" : null },
        make("th", { scope: "row" }, `${n + 1}${trial === best ? " ★" : ""}`), make("td", {}, Number.isFinite(trial.value) ? trial.value.toFixed(3) : "–"),
        ...names.map((name) => make("td", {}, name in trial.options ? shown(trial.options[name]) : "–")), make("td", {}, STATES[trial.state] || trial.state)));
      this.table.replaceChildren(head, make("tbody", {}, ...this.rows));
    }

    plot(trials, best) {
      let least = Infinity;
      const dots = [];
      const bests = [];
      trials.forEach((trial, n) => {
        const y = reached(trial);
        if (Number.isFinite(y)) dots.push({ x: n + 1, y, hollow: trial.state !== "done", text: STATES[trial.state] || trial.state, r: trial === best ? 5.5 : 3.5 });
        if (Number.isFinite(trial.value)) least = Math.min(least, trial.value);
        if (Number.isFinite(least)) bests.push({ x: n + 1, y: least });
      });
      const values = dots.map((dot) => dot.y);
      this.chart.root.hidden = !values.length; // every trial failed
      if (!values.length) return;
      const room = 0.08 * (Math.max(...values) - Math.min(...values)) || 0.05;
      this.chart.show({
        x: { low: 0.5, high: trials.length + 0.5, title: "trial", whole: true, values: trials.length <= 20 ? trials.map((_, n) => n + 1) : undefined },
        y: { low: Math.max(0, Math.min(...values) - room), high: Math.max(...values) + room, title: "log loss, lower is better" },
        lines: [
          { name: "best so far", colour: "var(--good)", points: bests, steps: true, plain: true },
          { name: "this trial", colour: "var(--run-a)", points: dots, dots: true, alone: true },
        ],
      });
    }

    see(place) {
      const row = (this.rows || [])[place];
      if (!row) return;
      for (const other of this.rows) other.toggleAttribute("data-chosen", other === row);
      row.scrollIntoView({ block: "nearest" });
    }
  }

  lab.classifiedViews.tuning = Tuning;
})();
