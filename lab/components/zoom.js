// Large view of one candidate, and the grey window (level and width) shared by all pictures of the grid.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SVG = "http://www.w3.org/2000/svg";
  const grey = { low: 0, high: 255, inverted: false };
  let grid = null;
  let dialog = null;
  let lines = null;
  let seen = null;
  let functions = [];
  let from = null; // where the focus came from

  const plain = () => grey.low === 0 && grey.high === 255 && !grey.inverted;

  // A linear map of stored grey values as an SVG filter: exact, and the same for tiles and large view.
  function filter() {
    if (functions.length) return;
    const holder = document.createElementNS(SVG, "svg");
    holder.setAttribute("aria-hidden", "true");
    holder.setAttribute("class", "lab-filters");
    const node = document.createElementNS(SVG, "filter");
    node.id = "lab-window";
    node.setAttribute("color-interpolation-filters", "sRGB");
    const transfer = document.createElementNS(SVG, "feComponentTransfer");
    functions = ["feFuncR", "feFuncG", "feFuncB"].map((name) => {
      const part = document.createElementNS(SVG, name);
      part.setAttribute("type", "linear");
      transfer.append(part);
      return part;
    });
    node.append(transfer);
    holder.append(node);
    document.body.append(holder);
  }

  function apply() {
    filter();
    const width = Math.max(1, grey.high - grey.low);
    const slope = (255 / width) * (grey.inverted ? -1 : 1);
    const intercept = grey.inverted ? 1 + grey.low / width : -grey.low / width;
    for (const part of functions) {
      part.setAttribute("slope", slope.toFixed(5));
      part.setAttribute("intercept", intercept.toFixed(5));
    }
    for (const node of [grid.root, dialog]) if (node) node.classList.toggle("lab-windowed", !plain());
    const text = `window ${grey.low}–${grey.high}${grey.inverted ? " inverted" : ""}`;
    if (dialog) dialog.querySelector("[data-window]").textContent = text;
    lab.curation.emit("window", { text });
  }

  function set(level, width) {
    const half = Math.min(255, Math.max(4, width)) / 2;
    const middle = Math.min(255, Math.max(0, level));
    grey.low = Math.round(Math.max(0, middle - half));
    grey.high = Math.round(Math.min(255, middle + half));
    apply();
  }

  function build() {
    const { el } = lab;
    lines = lab.tile.overlay();
    const frame = el("div", { class: "lab-zoom-frame" }, [el("img", { alt: "", draggable: "false" }), lines.drawing]);
    const words = ["title", "score", "reason", "verdict", "parts", "problem", "window"].map((name) => el("span", { [`data-${name}`]: true }));
    const close = el("button", { type: "button", class: "lab-button", text: "Close", on: { click: () => shut() } });
    const bar = el("div", { class: "lab-zoom-bar" }, [...words, close]);
    dialog = el("dialog", { class: "lab-zoom", "aria-label": "Large view", tabindex: "-1" }, [frame, bar]);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Escape: closed by ourselves, so that the focus goes back to the grid
      shut();
    });
    drag(frame);
    document.body.append(dialog);
  }

  // As at a reading station: sideways widens, up and down moves the level.
  function drag(frame) {
    let start = null;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      frame.setPointerCapture(event.pointerId);
      start = { x: event.clientX, y: event.clientY, level: (grey.low + grey.high) / 2, width: grey.high - grey.low };
    });
    frame.addEventListener("pointermove", (event) => {
      if (start) set(start.level + (event.clientY - start.y) / 2, start.width + (event.clientX - start.x) / 2);
    });
    frame.addEventListener("pointerup", () => {
      start = null;
    });
    frame.addEventListener("dblclick", () => lab.zoom.reset());
  }

  function fill(view) {
    const { state } = lab.curation;
    const { data, session } = state;
    seen = view;
    const put = (name, text) => {
      dialog.querySelector(`[data-${name}]`).textContent = text;
    };
    const image = dialog.querySelector("img");
    const source = lab.curation.picture(view.item);
    if (image.getAttribute("src") !== source) image.setAttribute("src", source);
    const detail = session.details.get(view.item) || null;
    lab.tile.trace(lines, detail);
    const [verdict, why] = session.verdicts.get(view.item) || ["none", ""];
    const about = detail ? [detail.label, detail.patient, detail.side, detail.view, `${detail.width} × ${detail.height}`] : [];
    put("title", [`${view.item} (${view.place + 1} of ${view.all})`, ...about].filter(Boolean).join(" · "));
    put("score", data.scores[view.index].toFixed(2));
    put("reason", why || data.reasons[data.reason[view.index]] || "");
    put("verdict", { accept: "accepted", reject: "rejected", none: state.kept[view.index] ? "kept by score" : "left out by score" }[verdict]);
    const parts = Object.entries((detail && detail.parts) || {});
    put("parts", parts.map(([name, value]) => `${name} ${Number(value).toFixed(2)}`).join("  "));
    dialog.dataset.verdict = verdict;
  }

  function open(view) {
    if (!dialog) {
      build();
      for (const name of ["details", "verdict"]) lab.curation.on(name, dialog, () => seen && fill(seen));
      const say = (detail) => (dialog.querySelector("[data-problem]").textContent = detail.text || "");
      for (const name of ["problem", "saved"]) lab.curation.on(name, dialog, say);
    }
    overlays(grid.root);
    from = document.activeElement;
    dialog.classList.add("lab-open");
    dialog.showModal();
    fill(view);
    apply();
    dialog.focus({ preventScroll: true });
  }

  function shut() {
    dialog.classList.remove("lab-open");
    dialog.close();
    seen = null;
    grid.go(grid.current);
    if (from && from.isConnected && !grid.held()) from.focus({ preventScroll: true });
  }

  function overlays(source) {
    if (!dialog) return;
    for (const name of ["lab-show-outline", "lab-show-crop"]) dialog.classList.toggle(name, source.classList.contains(name));
  }

  lab.zoom = {
    use(owner) {
      grid = owner;
      apply();
    },
    opened: () => seen !== null,
    contains: (node) => dialog !== null && dialog.contains(node),
    toggle: (view) => (seen ? shut() : open(view)),
    close: shut,
    show(view) {
      if (seen && view) fill(view);
    },
    invert() {
      grey.inverted = !grey.inverted;
      apply();
    },
    reset() {
      Object.assign(grey, { low: 0, high: 255, inverted: false });
      apply();
    },
    overlays,
  };
})();
