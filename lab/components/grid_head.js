// The grid's head: order, what has been looked at and how fast, tools; below it filter chips and who is reading.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const TOGGLES = new Set(["outline", "crop"]);
  const BUTTONS = [
    ["outline", "Outline", "The found outline of the breast (O)"],
    ["crop", "Crop", "The box that a crop keeps (C)"],
    ["invert", "Invert", "Swap black and white (I)"],
    ["reset", "window 0–100 %", "Grey window of the pictures: drag in the large view (Space) to change it, press to reset"],
    ["undo", "Undo", "Take the last mark back; as often as there are marks (U)"],
    ["zoom", "Zoom", "Large view of the current image (Space)"],
  ];
  const NAMES = "lab-readers";

  function button(act, text, title, more = {}) {
    return lab.el("button", { type: "button", "data-act": act, title, text, ...more });
  }

  function build(root) {
    const { el } = lab;
    const sorts = lab.gridOrder.SORTS.map(([value, text]) => el("option", { value, text }));
    const tools = el("div", { class: "lab-grid-head" }, [
      el("select", { "aria-label": "Order of the images" }, sorts),
      el("span", { title: "Images accepted or rejected by hand, and how many a minute" }, [
        el("b", { "data-looked": true }), el("span", { "data-of": true }), el("span", { "data-pace": true }),
      ]),
      button("sort", "Sort again", "The line has moved or images have come in since the grid was put in order", { hidden: true }),
      el("span", { class: "lab-space" }),
      ...BUTTONS.map(([act, text, title]) => button(act, text, title, { "aria-pressed": TOGGLES.has(act) ? String(act === "outline") : null })),
    ]);
    const chips = lab.gridOrder.FILTERS.map(([name, text, title]) =>
      el("button", { type: "button", class: "lab-chip", "data-filter": name, title, "aria-pressed": String(name === "all") }, [
        el("span", { text }), el("i", { "data-count": name }),
      ]));
    const only = el("button", { type: "button", class: "lab-chip", "data-filter": "only", "aria-pressed": "true", title: "Take this filter away", hidden: true });
    const reader = el("input", {
      type: "text", maxlength: "40", list: NAMES, placeholder: "no name", "aria-label": "Reading as", "data-reader": true, autocomplete: "off", spellcheck: "false",
      title: "Give a name to read on your own: you then see your marks only. Two readers can be compared under Agreement. Empty: one shared set of marks",
    });
    const filters = el("div", { class: "lab-grid-head lab-grid-filters" }, [
      el("div", { class: "lab-chips", role: "group", "aria-label": "Which images are shown" }, [...chips, only]),
      el("span", { class: "lab-space" }),
      el("label", {}, [el("span", { text: "Reading as" }), reader]),
      el("datalist", { id: NAMES }),
      button("agreement", "Agreement", "How far two readers agree, and the images on which they differ"),
    ]);
    root.append(tools, filters);
  }

  function put(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  // What changes with every mark, and only that.
  function show(grid) {
    const { state, find, filter, only } = grid;
    const { counts, data, session } = state;
    put(find("[data-looked]"), data ? counts.decided.toLocaleString("en") : "");
    put(find("[data-of]"), data ? ` of ${counts.all.toLocaleString("en")} decided` : "");
    const pace = grid.desk.pace();
    put(find("[data-pace]"), data && pace ? ` · ${pace} a minute` : "");
    find("[data-act=undo]").disabled = !(session && session.undo.length);
    find("[data-act=sort]").hidden = !grid.stale;
    for (const [name, , , , count] of lab.gridOrder.FILTERS) {
      const chip = find(`[data-filter=${name}]`);
      put(find(`[data-count=${name}]`), data ? count(counts).toLocaleString("en") : "");
      chip.setAttribute("aria-pressed", String(!only && filter === name));
      chip.hidden = name === "alike" && !counts.alike;
    }
    const chip = find("[data-filter=only]");
    chip.hidden = !only;
    if (only) put(chip, `${only.text} ×`);
    const input = find("[data-reader]");
    if (document.activeElement !== input && input.value !== state.reader) input.value = state.reader;
    grid.root.classList.toggle("lab-named", state.reader !== "");
    const names = Object.keys(state.readers).filter((name) => name !== "owner");
    const list = find("datalist");
    if (list.children.length !== names.length) list.replaceChildren(...names.map((value) => lab.el("option", { value })));
  }

  function listen(grid) {
    const { find } = grid;
    find("select").addEventListener("change", (event) => {
      grid.sort = event.target.value;
      grid.resort();
    });
    grid.root.addEventListener("click", (event) => {
      const chip = event.target.closest("[data-filter]");
      if (!chip) return;
      grid.filter = chip.dataset.filter === "only" ? "all" : chip.dataset.filter;
      grid.only = null;
      grid.resort(true);
    });
    const input = find("[data-reader]");
    input.addEventListener("change", () => grid.desk.readAs(input.value));
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Escape") input.value = grid.state.reader;
      input.blur(); // a changed name is taken now; the keys go to the images again
      grid.go(grid.current);
    });
  }

  lab.gridHead = { build, show, listen };
})();
