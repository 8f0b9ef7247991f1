// Left column of the Data tab: catalogues, image sets and the class shares of the one that is chosen.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SVG = "http://www.w3.org/2000/svg";
  const SHARES = 6; // colours that can still be told apart; the rest is one share

  const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many || `${one}s`}`;

  function describe(kind, record) {
    if (kind === "catalogues") {
      const words = [count(record.items, "image")];
      if (record.patients) words.push(record.layout === "phantoms" ? "phantoms" : count(record.patients, "patient"));
      if (record.rejected) words.push(`${record.rejected.toLocaleString("en")} refused`);
      return words.join(" · ");
    }
    const words = [`${record.items.toLocaleString("en")} ${record.origin}`, `${record.width} × ${record.height}`];
    if (record.kept && record.rejected) words.push(`${record.kept.toLocaleString("en")} kept of ${(record.kept + record.rejected).toLocaleString("en")}`);
    if (record.split && record.split !== "none") words.push(`split ${record.split}`);
    if (record.version > 1) words.push(`version ${record.version}`);
    return words.join(" · ");
  }

  function entry(kind, record, selected) {
    const about = {
      class: "lab-entry",
      type: "button",
      "data-kind": kind,
      "data-id": record.id,
      "aria-pressed": String(selected.kind === kind && selected.id === record.id),
      title: [record.id, record.source, ...(record.warnings || [])].filter(Boolean).join("\n"),
    };
    return lab.el("button", about, [lab.el("b", { text: record.name }), lab.el("span", { text: describe(kind, record) })]);
  }

  function list(holder, kind, records, selected) {
    const focused = holder.contains(document.activeElement) ? document.activeElement.dataset.id : "";
    const next = kind === "catalogues" ? "Press Demo data or Add a folder." : "Choose a threshold, then make one.";
    const entries = records.map((record) => entry(kind, record, selected));
    holder.replaceChildren(...(entries.length ? entries : [lab.el("p", { class: "lab-none", text: `None yet. ${next}` })]));
    const again = entries.find((button) => button.dataset.id === focused);
    if (again) again.focus({ preventScroll: true });
  }

  function pie(shown) {
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", "0 0 100 100");
    drawing.setAttribute("class", "lab-pie");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", shown.map(([name, number]) => `${name} ${number}`).join(", "));
    const total = shown.reduce((sum, [, number]) => sum + number, 0) || 1;
    const at = (turn) => `${(50 + 50 * Math.sin(2 * Math.PI * turn)).toFixed(2)} ${(50 - 50 * Math.cos(2 * Math.PI * turn)).toFixed(2)}`;
    let from = 0;
    shown.forEach(([, number], index) => {
      const to = Math.min(from + number / total, 0.99999); // a whole circle has no arc of its own
      const slice = document.createElementNS(SVG, "path");
      slice.setAttribute("d", `M50 50L${at(from)}A50 50 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}Z`);
      slice.setAttribute("class", `lab-share-${index}`);
      drawing.append(slice);
      from += number / total;
    });
    return drawing;
  }

  function shares(holder, record) {
    const { el } = lab;
    const all = Object.entries((record && record.classes) || {}).map(([name, number]) => [name || "no label", number]);
    all.sort((a, b) => b[1] - a[1]);
    if (!all.length) {
      holder.replaceChildren(el("p", { class: "lab-none", text: record ? "No labels." : "" }));
      return;
    }
    const shown = all.length > SHARES ? all.slice(0, SHARES - 1) : all;
    const rest = all.slice(shown.length).reduce((sum, [, number]) => sum + number, 0);
    if (rest) shown.push([`${all.length - shown.length} others`, rest]);
    const lines = shown.map(([name, number], index) =>
      el("li", {}, [el("i", { class: `lab-share-${index}` }), el("span", { text: name }), el("b", { text: number.toLocaleString("en") })]),
    );
    holder.replaceChildren(pie(shown), el("ul", { class: "lab-legend" }, lines));
  }

  function build(element) {
    const { el } = lab;
    const section = (title, name) =>
      el("section", {}, [el("h3", { text: title }), el("div", { class: "lab-stack", [`data-${name}`]: true })]);
    const part = lab.root(element);
    part.classList.add("lab-lists");
    part.replaceChildren(section("Catalogues", "catalogues"), section("Image sets", "sets"), el("div", { "data-card": true }), section("Classes", "shares"));
  }

  function mount(element, props, watch, trigger) {
    const desk = lab.curation;
    const { state } = desk;
    build(element);
    const find = (selector) => element.querySelector(selector);
    let told = "";

    function show() {
      const { lists, selected } = state;
      list(find("[data-catalogues]"), "catalogues", lists.catalogues, selected);
      list(find("[data-sets]"), "image_sets", lists.image_sets, selected);
      const record = (lists[selected.kind] || []).find((one) => one.id === selected.id);
      shares(find("[data-shares]"), record);
      lab.setCard(find("[data-card]"), selected.kind === "image_sets" ? record : null);
      const value = JSON.stringify({ ...selected, items: record ? record.items : 0, replaces: state.replaces ? state.replaces.id : "" });
      if (value === told) return;
      told = value;
      props.value = value;
      trigger("input");
    }

    element.addEventListener("click", (event) => {
      const entry = event.target.closest(".lab-entry");
      if (entry) desk.select(entry.dataset.kind, entry.dataset.id);
    });
    // Work that another page started, or another tab (generated sets), changes the lists too.
    let pulse = "";
    const changed = (event) => {
      if (!element.isConnected) return document.removeEventListener("lab:state", changed);
      if (pulse && event.detail.pulse !== pulse) desk.refresh();
      pulse = event.detail.pulse;
      return undefined;
    };
    document.addEventListener("lab:state", changed);
    desk.on("lists", element, show);
    desk.on("select", element, show);
    desk.on("replaces", element, show);
    desk.refresh();
  }

  lab.catalogues = { mount };
})();
