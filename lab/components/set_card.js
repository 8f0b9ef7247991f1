// What is known of the chosen image set, and its versions: sets never change, so a change makes the next version, and
// going back makes the older one again.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  const catalogueOf = (record) => (record.parents || []).find((parent) => parent.startsWith("catalogues/"))?.slice(11) || "";

  // The newest set that this one led to.
  function newest(record) {
    const sets = lab.curation.state.lists.image_sets;
    let last = record;
    for (let next = record; next; next = sets.find((one) => one.replaces === last.id)) last = next;
    return last;
  }

  function parts(counts) {
    const names = Object.keys(counts || {});
    if (!names.length) return null;
    const sum = (part) => Object.values(counts[part]).reduce((all, number) => all + number, 0);
    const words = (part) => Object.entries(counts[part]).map(([label, number]) => `${label || "no label"} ${number}`).join(", ");
    return lab.el("p", { text: names.map((part) => `${part} ${sum(part).toLocaleString("en")}`).join(" · "), title: names.map((part) => `${part}: ${words(part)}`).join("\n") });
  }

  // The form, the line and the filter begin with what the set was made with.
  async function next(record, catalogue) {
    const { curation: desk } = lab;
    try {
      const { parameters } = await lab.get(`/lab/image_set/${encodeURIComponent(record.id)}/parameters`);
      await desk.select("catalogues", catalogue);
      desk.setMode(parameters.keep_best ? "best" : "threshold");
      if (parameters.keep_best) desk.setBest(parameters.keep_best, true);
      else desk.setThreshold(parameters.shape_confidence, true);
      await lab.filter.where(parameters.where || {});
      desk.setReplaces(record);
    } catch (error) {
      lab.toast([error.words || error.message, error.advice].filter(Boolean).join(" "), "error");
    }
  }

  async function again(record) {
    try {
      const { parameters } = await lab.get(`/lab/image_set/${encodeURIComponent(record.id)}/parameters`);
      const given = { ...parameters, name: record.name, replaces: newest(record).id, decisions_of: record.id };
      await lab.post("/lab/jobs", { kind: "curate", title: `Back to version ${record.version} of ${record.name}`, parameters: given });
      lab.toast(`Version ${record.version} is being made again, as the newest one.`, "good");
      lab.curation.select("catalogues", catalogueOf(record));
    } catch (error) {
      lab.toast([error.words || error.message, error.advice].filter(Boolean).join(" "), "error");
    }
  }

  lab.setCard = (holder, record) => {
    const { el, curation: desk } = lab;
    const { replaces } = desk.state;
    const button = (text, title, act) => el("button", { class: "lab-button plain", type: "button", text, title, on: { click: act } });
    const rows = [];
    if (replaces) {
      rows.push(el("p", { class: "lab-set-next", text: `The next set becomes version ${replaces.version + 1} of “${replaces.name}”.` }),
        button("A set of its own", "Do not make it a version of another", () => desk.setReplaces(null)));
    }
    if (record) {
      const split = parts(record.split_counts);
      if (split) rows.push(split);
      if (record.replaces) rows.push(el("p", { text: `Version ${record.version}. ${(record.changes || []).join(" ")}` }));
      rows.push(...(record.warnings || []).map((text) => el("p", { class: "lab-set-warning", text })));
      const catalogue = catalogueOf(record);
      const known = catalogue && desk.state.lists.catalogues.some((one) => one.id === catalogue);
      const last = newest(record);
      if (known) {
        const words = "Change choices or marks, and make the next version; this one stays. The form takes its choices over";
        rows.push(button("New version", words, () => next(last, catalogue)));
        if (last !== record) rows.push(button("Go back to this", "Make this version again, as the newest one, with the marks by hand that it had", () => again(record)));
      }
    }
    holder.className = rows.length ? "lab-set-card" : "";
    holder.replaceChildren(...rows);
  };
})();
