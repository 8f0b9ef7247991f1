// Large view of one candidate: the picture with its grey depth, what was found in it, and why it has its score.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SETTLED_MS = 60; // a reader who leafs through fast loads only where they stop
  const SAID = { accept: "accepted", reject: "rejected" };
  let grid = null;
  let dialog = null;
  let lines = null;
  let parts = null;
  let seen = null; // {item, index, place, all} on screen
  let shown = null; // the decoded picture on screen
  let from = null; // where the focus came from
  let loading = 0;
  let frame = 0;

  const find = (selector) => dialog.querySelector(selector);
  const put = (name, text) => {
    const node = find(`[data-${name}]`);
    if (node.textContent !== text) node.textContent = text;
  };

  function build() {
    const { el } = lab;
    lines = lab.tile.overlay();
    parts = lab.zoomParts.build();
    const picture = el("div", { class: "lab-zoom-frame" }, [
      el("img", { alt: "", draggable: "false" }), el("canvas", { "data-picture": true, hidden: true }), lines.drawing,
    ]);
    const facts = ["title", "verdict", "alike"].map((name) => el("p", { [`data-${name}`]: true }));
    const side = el("aside", { class: "lab-zoom-side" }, [...facts, parts]);
    const close = el("button", { type: "button", class: "lab-button", text: "Close", on: { click: () => shut() } });
    const keys = el("button", { type: "button", class: "lab-button", text: "?", "aria-label": "All keys", title: "All keys (?)", on: { click: () => lab.showKeys() } });
    const bar = el("div", { class: "lab-zoom-bar" }, [
      el("span", { "data-window": true, title: "Drag on the picture: sideways changes the width, up and down the level. Double click: as it was" }),
      el("span", { "data-size": true }), el("span", { "data-problem": true, role: "status" }), el("span", { class: "lab-space" }),
      el("span", { "data-progress": true }), keys, close,
    ]);
    dialog = el("dialog", { class: "lab-zoom", "aria-label": "Large view", tabindex: "-1" }, [el("div", { class: "lab-zoom-body" }, [picture, side]), bar]);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Escape: closed by ourselves, so that the focus goes back to the grid
      shut();
    });
    drag(picture);
    document.body.append(dialog);
    for (const name of ["details", "verdict", "counts", "marks"]) lab.curation.on(name, dialog, () => seen && fill(seen));
    const say = (detail) => put("problem", detail.text || "");
    for (const name of ["problem", "saved"]) lab.curation.on(name, dialog, say);
    lab.curation.on("window", dialog, (detail) => {
      dialog.classList.toggle("lab-windowed", !detail.plain);
      put("window", detail.words);
      repaint();
    });
  }

  // As at a reading station: sideways widens, up and down moves the level.
  function drag(picture) {
    let start = null;
    picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      picture.setPointerCapture(event.pointerId);
      start = { x: event.clientX, y: event.clientY, level: lab.window.level(), width: lab.window.width() };
    });
    picture.addEventListener("pointermove", (event) => {
      if (start) lab.window.set(start.level + (event.clientY - start.y) / 512, start.width + (event.clientX - start.x) / 512);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      picture.addEventListener(name, () => {
        start = null;
      });
    }
    picture.addEventListener("dblclick", () => lab.window.reset());
  }

  // At most once a frame, and only when something has changed.
  function repaint() {
    if (frame || !shown) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (shown) lab.pictures.draw(find("canvas"), shown, lab.window.stored(), lab.window.inverted());
    });
  }

  const address = (item) => {
    const { kind, id } = lab.curation.state.selected;
    return `/lab/review${lab.curation.base(kind, id).slice(4)}/view/${encodeURIComponent(item)}`;
  };

  // The thumbnail shows at once; the picture takes its place when it is decoded, and the next one is fetched ahead.
  function picture(item) {
    clearTimeout(loading);
    shown = null;
    find("canvas").hidden = true;
    put("size", "");
    lab.window.of(null);
    const wanted = address(item);
    const load = async () => {
      try {
        const found = await lab.pictures.load(wanted);
        if (!seen || seen.item !== item || wanted !== address(item)) return;
        shown = found;
        lab.window.of(found);
        lab.pictures.draw(find("canvas"), found, lab.window.stored(), lab.window.inverted());
        find("canvas").hidden = false;
        const whole = `${found.stored_width} × ${found.stored_height} px, ${found.bits} bit${found.channels === 3 ? " colour" : ""}`;
        put("size", found.width === found.stored_width ? whole : `${whole}, shown from ${found.width} × ${found.height}`);
        const next = grid.item(grid.current + 1);
        if (next) lab.pictures.load(address(next)).catch(() => undefined); // said when it is looked at
      } catch (error) {
        if (seen && seen.item === item) put("size", `Only the thumbnail is shown. ${error.message}`);
      }
    };
    if (lab.pictures.has(wanted)) load();
    else loading = setTimeout(load, SETTLED_MS);
  }

  function fill(view) {
    const { state } = lab.curation;
    const { data, session, counts } = state;
    const image = find("img");
    const source = lab.curation.picture(view.item);
    const other = !seen || image.getAttribute("src") !== source;
    seen = view;
    if (other) {
      image.removeAttribute("src"); // never the last picture under the new name
      image.setAttribute("src", source);
      picture(view.item);
    }
    const detail = session.details.get(view.item) || null;
    lab.tile.trace(lines, detail);
    const [verdict, why] = session.verdicts.get(view.item) || ["none", ""];
    const about = detail ? [detail.label, detail.patient, detail.side, detail.view] : [];
    put("title", [`Image ${view.item}`, ...about].filter(Boolean).join(" · "));
    const spoken = SAID[verdict] || (state.kept[view.index] ? "kept by score" : "left out by score");
    const together = state.together && state.together.get(view.item);
    put("verdict", [why ? `${spoken}: ${why}` : spoken, together].filter(Boolean).join(" · "));
    const group = lab.curation.alike(view.index);
    put("alike", group ? `${group.indexOf(view.index) + 1} of ${group.length} alike: G shows the next` : "");
    const flags = detail && detail.flags ? String(detail.flags) : "";
    const reasons = [data.reasons[data.reason[view.index]] || "", flags].filter(Boolean).join("; ");
    lab.zoomParts.show(parts, (detail && detail.parts) || {}, data.scores[view.index], reasons);
    const pace = lab.curation.pace();
    put("progress", `${view.place + 1} of ${view.all} · ${counts.decided.toLocaleString("en")} decided${pace ? `, ${pace} a minute` : ""}`);
    dialog.dataset.verdict = verdict;
  }

  function open(view) {
    if (!dialog) build();
    overlays(grid.root);
    from = document.activeElement;
    dialog.classList.add("lab-open");
    dialog.showModal();
    fill(view);
    lab.window.apply();
    dialog.focus({ preventScroll: true });
  }

  function shut() {
    clearTimeout(loading);
    dialog.classList.remove("lab-open");
    dialog.close();
    seen = null;
    shown = null;
    find("img").removeAttribute("src");
    lab.window.of(null);
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
      lab.window.apply();
    },
    opened: () => seen !== null,
    contains: (node) => dialog !== null && dialog.contains(node),
    toggle: (view) => (seen ? shut() : open(view)),
    close: shut,
    show(view) {
      if (seen && view) fill(view);
    },
    overlays,
  };
})();
