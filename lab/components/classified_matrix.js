// Trainings: classifiers in rows, training sets in columns; each cell has the mean so far and a dot for each seed.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const STATES = { done: "trained", reused: "trained before, taken as it was", running: "at work", waiting: "waiting", refused: "not trained" };

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const key = (classifier, arm) => JSON.stringify([classifier, arm]);

  // The cell at work: the first that is not done in the order in which they are trained.
  function atWork(data) {
    if (!data.live || data.state !== "running") return null;
    const done = new Set(data.rows.map((row) => JSON.stringify([row.classifier, row.arm, row.seed])));
    const refused = new Set(data.not_done.map((one) => key(one.classifier, one.arm)));
    for (let seed = 0; seed < data.seeds; seed += 1) {
      for (const arm of data.arms) {
        for (const classifier of data.classifiers) {
          if (!done.has(JSON.stringify([classifier.key, arm.name, seed])) && !refused.has(key(classifier.key, arm.name))) return { classifier: classifier.key, arm: arm.name, seed };
        }
      }
    }
    return null;
  }

  class Matrix {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.parts = lab.classifiedParts;
      const dot = (state, words) => make("span", { class: "lab-classified-key" }, make("i", { class: "lab-cell-dot", "data-state": state }), words);
      tools.append(dot("done", "trained"), dot("reused", "from before"), dot("waiting", "waiting"));
      this.choice = new this.parts.MeasureChoice(tools, hub);
      this.said = make("div", { class: "lab-classified-said" });
      this.table = make("table", { class: "lab-matrix", "aria-label": "Trainings" });
      this.foot = new this.parts.Foot(hub, "status");
      this.foot.root.classList.add("lab-matrix-details");
      this.warnings = make("div", { class: "lab-classified-said" });
      root.append(this.said, make("div", { class: "lab-matrix-room" }, this.table), this.warnings, this.foot.root);
    }

    show(data) {
      this.data = data;
      this.choice.show(data);
      this.foot.begin();
      this.said.replaceChildren(...data.headline.map((text) => make("p", {}, text)), this.guardLine() || "");
      this.running = atWork(data);
      const drawn = JSON.stringify([this.hub.shown, data.classifiers, data.arms, data.seeds, data.live]);
      if (drawn !== this.drawn) this.frame();
      this.drawn = drawn;
      for (const [name, cell] of this.cells) this.fill(cell, ...JSON.parse(name));
      this.about();
      this.warnings.replaceChildren(...data.warnings.map((text) => make("p", { class: "lab-classified-warning" }, text)));
    }

    guardLine() {
      const open = this.data.guards.filter((one) => one.state === "open").length;
      const unknown = this.data.guards.filter((one) => one.state === "unknown").length;
      if (!this.data.guards.length) return null;
      const words = open + unknown ? [open ? `${open} of ${this.data.guards.length} checks found something` : "", unknown ? `${unknown} could not be made` : ""].filter(Boolean).join(", ") : `All ${this.data.guards.length} checks are in order`;
      const button = make("button", { type: "button", class: "lab-classified-link" }, `${words}.`);
      button.addEventListener("click", () => this.hub.go("checks"));
      return make("p", { class: open ? "lab-classified-warning" : "" }, button);
    }

    // Rows, columns and buttons stay while numbers come: nothing moves under the pointer.
    frame() {
      const { classifiers, arms, seeds } = this.data;
      this.cells = new Map();
      const head = make("tr", {}, make("th", { scope: "col" }, "Classifier"), ...arms.map((arm) => {
        const mark = make("i", { class: "lab-arm-mark" });
        mark.style.background = this.parts.colourOf(this.data, arm.name);
        const counts = [arm.n_real ? `${arm.n_real.toLocaleString("en")} real` : "", arm.n_synthetic ? `${arm.n_synthetic.toLocaleString("en")} synthetic` : "", arm.copies ? `× ${arm.copies + 1}` : ""].filter(Boolean).join(" + ").replace(" + ×", " ×");
        const asked = arm.tested === "synthetic" ? `tested on ${arm.n_test.toLocaleString("en")} synthetic` : `tested on ${arm.n_test.toLocaleString("en")}`;
        return make("th", { scope: "col", title: arm.title }, mark, arm.title, make("small", {}, `${counts}; ${asked}`));
      }));
      const rows = classifiers.map((classifier) => make("tr", {}, make("th", { scope: "row", title: classifier.key }, classifier.title), ...arms.map((arm) => {
        const value = make("b", {});
        const spread = make("small", { class: "lab-matrix-spread" });
        const few = make("span", { class: "lab-matrix-verdict lab-classified-dim" });
        const sign = make("span", { class: "lab-matrix-verdict" });
        const dots = make("span", { class: "lab-matrix-dots" }, ...Array.from({ length: seeds }, () => make("i", { class: "lab-cell-dot" })));
        const button = make("button", { type: "button", class: "lab-matrix-cell", "data-classifier": classifier.key, "data-arm": arm.name }, value, dots, spread, few, sign);
        button.addEventListener("click", () => {
          this.hub.choose({ classifier: classifier.key, arm: arm.name });
          this.foot.bring(button);
        });
        this.cells.set(key(classifier.key, arm.name), { button, value, spread, few, sign, dots });
        return make("td", {}, button);
      })));
      this.table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
    }

    fill({ button, value, spread, few, sign, dots }, classifier, arm) {
      const { data, parts } = this;
      const rows = parts.rowsOf(data, classifier, arm);
      const refused = data.not_done.find((one) => one.classifier === classifier && one.arm === arm);
      const values = rows.map((row) => row.metrics[this.hub.measure]).filter(Number.isFinite);
      const running = this.running && this.running.classifier === classifier && this.running.arm === arm ? this.running.seed : -1;
      const line = parts.lineOf(data, classifier, arm);
      const [text, beside, help] = this.told(line, values, refused);
      if (value.textContent !== text) value.textContent = text;
      if (spread.textContent !== beside) spread.textContent = beside;
      few.textContent = parts.short(data, rows.length);
      const by = new Map(rows.map((row) => [row.seed, row.reused ? "reused" : "done"]));
      [...dots.children].forEach((dot, seed) => {
        const state = by.get(seed) || (refused ? "refused" : seed === running ? "running" : "waiting");
        if (dot.dataset.state !== state) dot.dataset.state = state;
        dot.title = `Seed ${seed + 1}: ${STATES[state]}`;
      });
      const found = line && line.differences && line.differences[this.hub.measure];
      sign.replaceChildren(found ? parts.verdict(found.verdict) : "");
      button.setAttribute("aria-pressed", String(this.hub.chosen.classifier === classifier && this.hub.chosen.arm === arm));
      const counted = `${rows.length} of ${data.seeds} trained`;
      button.setAttribute("aria-label", [parts.classifierOf(data, classifier).title, parts.armOf(data, arm).title, `${parts.titleOf(data, this.hub.measure)} ${text} ${beside}`.trim(), counted, found ? found.verdict : ""].filter(Boolean).join(", "));
      button.title = refused ? `${refused.what} ${refused.why} ${refused.advice}` : [counted, help].filter(Boolean).join(". ");
    }

    // A cell's value, what stands beside it and what that is: an interval when all is done, the seeds' scatter before.
    told(line, values, refused) {
      const { data, parts } = this;
      const sd = parts.deviation(values);
      const [value, interval] = ((line && line.texts[this.hub.measure]) || "").split(/ (?=\[)/);
      if (interval) return [value, interval, `In brackets the 95 % interval${Number.isFinite(sd) ? `; the standard deviation of the seeds, which is no interval, is ${parts.number(sd)}` : ""}`];
      if (!values.length) return [refused ? "not trained" : "·", "", ""];
      const mean = parts.number(parts.mean(values));
      if (!Number.isFinite(sd)) return [mean, data.live && data.seeds > 1 ? "1 seed" : "", data.live ? "The value of one seed so far" : ""];
      return [mean, `± ${parts.number(sd)} sd of ${values.length} seeds`, "Mean and standard deviation of the seeds so far. That is no interval: other test patients are not in it; intervals come when the comparison is done"];
    }

    // The chosen cell: every seed, every measure, and what it differs by.
    about() {
      const { classifier, arm } = this.hub.chosen;
      const { data, parts } = this;
      const rows = parts.rowsOf(data, classifier, arm);
      const refused = data.not_done.find((one) => one.classifier === classifier && one.arm === arm);
      if (!rows.length && !refused) {
        const hint = data.rows.length ? "Choose a cell to see its trainings." : "The first training is at work.";
        this.foot.hint(hint);
        return;
      }
      const title = `${parts.classifierOf(data, classifier).title} · ${parts.armOf(data, arm).title}`;
      if (!rows.length) {
        this.foot.say(title, [], make("p", { class: "lab-classified-warning" }, `${refused.what} ${refused.why} ${refused.advice}`));
        return;
      }
      const line = parts.lineOf(data, classifier, arm);
      const said = line && line.said && line.said[this.hub.measure];
      const names = parts.measuresOf(data);
      const head = make("tr", {}, ...["Seed", "Real", "Synthetic", "Test", "Fit"].map((text) => make("th", {}, text)), ...names.map((name) => make("th", { title: (data.measures[name] || {}).summary }, parts.titleOf(data, name))));
      const body = rows.map((row) => make("tr", { "data-seed": row.seed }, ...[row.seed + 1, row.n_real, row.n_synthetic, row.n_test].map((number) => make("td", {}, number.toLocaleString("en"))),
        make("td", { title: row.reused ? STATES.reused : "" }, row.reused ? "from before" : `${row.fit_s.toFixed(1)} s`), ...names.map((name) => make("td", {}, parts.number(row.metrics[name])))));
      const seeds = make("details", { class: "lab-classified-more", open: this.opened || null }, make("summary", {}, rows.length > 1 ? `${rows.length} trainings, every measure` : "1 training, every measure"),
        published(line), make("table", { class: "lab-matrix-seeds" }, make("thead", {}, head), make("tbody", {}, ...body)));
      seeds.addEventListener("toggle", () => { this.opened = seeds.open; });
      this.foot.say(title, this.foot.ways(data, { classifier, arm }), ...(said ? [said] : []), seeds);
    }
  }

  // The published tests stand beside, and decide nothing.
  function published(line) {
    const tests = (line && line.published_tests) || {};
    const p = (value) => (Number.isFinite(value) ? (value < 0.001 ? "p < 0.001" : `p = ${value.toFixed(3)}`) : "p unknown");
    const words = [
      tests.mcnemar ? `McNemar ${tests.mcnemar.b} against ${tests.mcnemar.c}, ${p(tests.mcnemar.p)}` : "",
      tests.delong && Number.isFinite(tests.delong.difference) ? `DeLong ${tests.delong.difference.toFixed(3).replace("-", "−")}, ${p(tests.delong.p)}` : "",
    ].filter(Boolean).join("; ");
    return words ? make("p", { class: "lab-classified-dim" }, `${words}: of the mean probabilities of these seeds only; they decide no verdict.`) : "";
  }

  lab.classifiedViews.matrix = Matrix;
})();
