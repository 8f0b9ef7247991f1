// “As in” a published study: one click ticks what it had, its name stays until another is chosen, and “no study” brings
// back what was there before.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const same = (some, others) => JSON.stringify([...some].sort()) === JSON.stringify([...others].sort());
  const wishOf = ([name, preset]) => (preset ? `${name}:${preset}` : name);

  let trials = null; // tuning trials to set, until the field below has them
  let field = 0; // and those that stand there

  // Tuning trials as the field shows them, or as the study just chosen has them.
  function tuned(number) {
    field = trials === null ? number : trials;
    trials = null;
    return field;
  }

  // What is ticked and set with a study, over what stands there.
  function having(chosen, one) {
    const names = new Set(one.classifiers.map((wish) => wish.split(":")[0]));
    return {
      ...chosen, ticked: one.classifiers.map((wish) => wish.split(":")), protocols: [...one.protocols],
      numbers: { ...chosen.numbers, ...one.numbers }, to: one.to ? [one.to] : [],
      options: Object.fromEntries(Object.entries(chosen.options).filter(([name]) => !names.has(name))),
    };
  }

  function unchanged(chosen, one) {
    const names = one.classifiers.map((wish) => wish.split(":")[0]);
    return same(chosen.ticked.map(wishOf), one.classifiers) && same(chosen.protocols, one.protocols)
      && Object.entries(one.numbers).every(([name, value]) => chosen.numbers[name] === value)
      && same(chosen.to, one.to ? [one.to] : [])
      && names.every((name) => !Object.keys(chosen.options[name] || {}).length);
  }

  // The row. `arms` has `chosen`, `since` ({name, before, trials}, null without a study) and `changed()`.
  function row(arms, studies) {
    const list = make("select", { "aria-label": "As in", title: "Tick the classifiers and training sets of a published study" },
      make("option", { value: "" }, "no study"), ...studies.map((one) => make("option", { value: one.name }, one.title)));
    const mark = make("small", { title: "Something differs from the study now; choose “no study” for what was there before it" }, "changed");
    const set = (number) => {
      trials = number;
      lab.armsKept.alsoForm({ tune_trials: number });
    };
    list.addEventListener("change", () => {
      const one = studies.find((study) => study.name === list.value);
      const since = arms.since || { before: structuredClone(arms.chosen), trials: field };
      if (one) {
        set(one.tune_trials || 0);
        arms.chosen = having(arms.chosen, one);
        arms.since = { ...since, name: one.name };
      } else {
        set(since.trials);
        arms.chosen = { ...since.before, sets: arms.chosen.sets };
        arms.since = null;
      }
      arms.changed();
    });
    const refresh = () => {
      const one = arms.since && studies.find((study) => study.name === arms.since.name);
      list.value = one ? one.name : "";
      const tries = trials === null ? field : trials;
      mark.hidden = !one || (tries === (one.tune_trials || 0) && unchanged(arms.chosen, one));
    };
    return { node: make("label", { class: "lab-arms-to", hidden: !studies.length }, make("span", {}, "As in ", mark), list), refresh };
  }

  // The field of tuning trials holds another number; `back` sets it.
  function trialsAre(number) {
    field = number;
  }

  lab.armsStudy = { row, tuned, trialsAre };
})();
