// Checks: what could make a comparison untrue, each with a lock that is closed or open, or cannot be looked at; and what is only to be known.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const STATES = { closed: "In order", open: "Take care", unknown: "Not known", note: "To know" };
  const SHACKLE = { closed: "M5 8V5.5a3 3 0 0 1 6 0V8", open: "M5 8V4.5a3 3 0 0 1 5.8-1", unknown: "M5 8V5.5a3 3 0 0 1 6 0V8" };

  function lock(state) {
    const { draw } = lab.classifiedParts;
    const svg = draw("svg", { class: "lab-lock", "data-state": state, viewBox: "0 0 16 16", width: 18, height: 18, "aria-hidden": "true" });
    // What is only to be known has no lock, but the i of information.
    if (state === "note") svg.append(draw("rect", { x: 2, y: 2, width: 12, height: 12, rx: 6 }), draw("path", { d: "M8 7.5v4M8 4.6v.9" }));
    else svg.append(draw("path", { d: SHACKLE[state] || SHACKLE.unknown }), draw("rect", { x: 3, y: 8, width: 10, height: 6.5, rx: 1.5 }));
    return svg;
  }

  class Checks {
    constructor(root, tools, hub) {
      const { make } = (this.parts = lab.classifiedParts);
      this.list = make("ul", { class: "lab-checks", "aria-label": "Checks" });
      this.leaks = make("details", { class: "lab-classified-more" });
      this.notes = make("div", { class: "lab-classified-said" });
      root.append(this.list, this.leaks, this.notes);
      this.hub = hub;
    }

    show(data) {
      const { make } = this.parts;
      this.list.replaceChildren(...data.guards.map((one) => {
        const state = STATES[one.state] ? one.state : "unknown";
        return make("li", { "data-guard": one.name, "data-state": state }, lock(state), make("b", {}, one.title), make("em", {}, STATES[state]), make("p", {}, one.text));
      }));
      const leaks = data.leaks.map((leak) => make("li", {}, `${leak.item}: ${leak.kind} as ${leak.other_item}, ${leak.other_part}`));
      this.leaks.hidden = !leaks.length;
      this.leaks.replaceChildren(make("summary", {}, leaks.length === 1 ? "The leak by name" : `All ${leaks.length} leaks by name`), make("ul", {}, ...leaks));
      this.notes.replaceChildren(...data.warnings.map((text) => make("p", { class: "lab-classified-warning" }, text)),
        ...data.not_done.map((one) => make("p", { class: "lab-classified-warning" }, `${this.parts.classifierOf(data, one.classifier).title}, ${this.parts.armOf(data, one.arm).title}: not trained. ${one.what} ${one.why} ${one.advice}`)),
        ...(data.guards.length ? [] : [make("p", { class: "lab-classified-dim" }, "Nothing was checked yet.")]));
    }
  }

  lab.classifiedViews.checks = Checks;
})();
