// The comparison's table: the settings in which the runs differ, and how far each has come.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const NO_NUMBER = "–";

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  // Seconds spent on training, from each tick's own speed: pauses, sheets and checkpoints do not count.
  function trained(points) {
    let seconds = 0;
    for (let i = 0; i < points.images.length; i += 1) {
      const images = points.images[i] - (i ? points.images[i - 1] : 0);
      if (points.speed[i] > 0) seconds += images / points.speed[i];
    }
    return seconds;
  }

  function duration(seconds) {
    if (!(seconds > 0)) return NO_NUMBER;
    if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return minutes < 10 ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s` : `${minutes} min`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  function progress(store) {
    const points = store ? store.points : null;
    const seen = points && points.images.length ? points.images.at(-1) : NaN;
    const seconds = points ? trained(points) : 0;
    return {
      seen: Number.isFinite(seen) ? seen.toLocaleString("en") : NO_NUMBER,
      speed: seconds > 0 ? lab.curve.digits(seen / seconds) : NO_NUMBER,
      time: duration(seconds),
    };
  }

  const LIVE = [
    { key: "state", title: "State" },
    { key: "seen", title: "Images seen" },
    { key: "speed", title: "Images per second", help: "Mean over the run; pauses, sheets and checkpoints do not count." },
    { key: "time", title: "Time trained", help: "Pauses, sheets and checkpoints do not count." },
  ];

  function counted(equal, differing) {
    if (!equal) return "No setting is equal";
    return `${differing ? "" : "All "}${equal} ${equal === 1 ? "setting is" : "settings are"} equal`;
  }

  class CompareTable {
    constructor(root) {
      this.body = make("tbody", {});
      this.head = make("tr", {});
      this.cells = new Map(); // run -> {key: cell} of what changes while a run trains
      this.close = make("button", { type: "button", class: "lab-compare-close", title: "Show one run again; the marks stay" }, "Close");
      this.close.addEventListener("click", () => lab.compared.show(false));
      root.append(make("div", { class: "lab-compare-table", tabindex: 0, role: "group", "aria-label": "Settings that differ" },
        make("table", { "aria-label": "Settings that differ" }, make("thead", {}, this.head), this.body)));
    }

    // `answer` is what /lab/compare said of these entries, or null while it is on its way.
    show(entries, answer, trouble) {
      const row = (title, cells, about = {}) => make("tr", about, make("th", { scope: "row", title: about.title || title }, title), ...cells);
      this.cells = new Map(entries.map((entry) => [entry.run, Object.fromEntries(LIVE.map(({ key }) => [key, make("td", {})]))]));
      const live = LIVE.map(({ key, title, help }) => row(title, entries.map((entry) => this.cells.get(entry.run)[key]), { "data-live": key, title: help }));
      const differing = ((answer && answer.rows) || []).map((found) => row(found.title,
        found.values.map((text) => make("td", { title: text }, text)), { "data-name": found.name, "data-of": found.of }));
      const words = trouble || (answer ? counted(answer.equal, differing.length) : "Reading the settings.");
      this.head.replaceChildren(
        make("th", { scope: "col" }, make("span", { class: "lab-compare-corner" }, make("span", { class: "lab-compare-equal", role: "status", title: words }, words), this.close)),
        ...entries.map((entry) => make("th", { scope: "col", title: `${entry.name} · ${entry.run}` }, lab.compared.chip(entry), make("span", {}, entry.name))));
      this.body.replaceChildren(...live, ...differing);
      for (const entry of entries) this.live(entry);
    }

    live(entry) {
      const cells = this.cells.get(entry.run);
      if (!cells) return;
      const now = { state: lab.runs.WORDS[entry.state] || NO_NUMBER, ...progress(entry.store) };
      for (const [key, cell] of Object.entries(cells)) if (cell.textContent !== now[key]) cell.textContent = now[key];
    }
  }

  lab.compareTable = { CompareTable, trained, duration };
})();
