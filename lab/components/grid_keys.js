// The keys of the review: the same in the grid and in the large view. `?` lists them (header.js).
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const KEYS = { a: "accept", r: "reject", u: "undo", i: "invert", o: "outline", c: "crop", g: "next", " ": "zoom" };

  lab.gridKey = (grid, event) => {
    if (event.altKey || event.defaultPrevented || !grid.element.offsetParent) return;
    const { target } = event;
    const inside = grid.element.contains(target) || lab.zoom.contains(target);
    if (!inside && target !== document.body) return;
    if (target.closest("input, textarea, select, [contenteditable=true]")) return;
    if (target.closest("button") && (event.key === " " || event.key === "Enter")) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== "z" || event.shiftKey) return;
      grid.act("undo");
      event.preventDefault();
      return;
    }
    const page = grid.columns * Math.max(1, Math.floor(grid.scroller.clientHeight / grid.row));
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns, PageDown: page, PageUp: -page };
    const end = { Home: 0, End: grid.order.length - 1 }[event.key];
    const reason = lab.tile.REASONS[Number(event.key) - 1];
    const name = KEYS[event.key.toLowerCase()];
    const marks = reason || name === "accept" || name === "reject";
    if (event.repeat && (marks || name === "zoom")) event.preventDefault(); // a key held down marks one image
    else if (steps[event.key]) grid.go(grid.current + steps[event.key]);
    else if (end !== undefined) grid.go(end);
    else if (reason) grid.decide("reject", reason);
    else if (name) grid.act(name);
    else if (event.key === "?" && lab.zoom.opened()) lab.showKeys();
    else if (event.key === "Escape" && lab.zoom.opened()) lab.zoom.close();
    else return;
    event.preventDefault();
  };
})();
