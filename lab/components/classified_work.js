// A comparison at work: what has come of it so far, in the form that the views draw; and beginning one again.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  // What the views draw, with the cells that came since `before`; null where nothing has changed.
  function gathered(before, answer) {
    const { guards, trials, warnings, not_done, measures, parameters, matrix, state, name } = answer;
    const told = JSON.stringify([guards, trials.length, warnings, not_done, state]);
    if (before.told === told && !answer.rows.length) return null;
    const cells = matrix.classifiers.length * matrix.arms.length * matrix.seeds;
    const primary = matrix.positive ? "auroc" : "balanced_accuracy";
    const rows = [...before.rows, ...answer.rows];
    return { ...before, ...matrix, name, rows, guards, trials, warnings, not_done, measures, parameters, primary, cells, state, told };
  }

  // Queues the same comparison again; resolves to the job's id.
  async function begin(parameters) {
    const key = Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join("");
    const { id } = await lab.post("/lab/jobs", { kind: "compare", parameters, title: `Compare on ${parameters.real}`.slice(0, 80), client_key: key });
    return id;
  }

  lab.classifiedWork = { gathered, begin };
})();
