// The first line of a comparison: what is compared, how far it is, and the files to keep.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const FILES = [
    ["table.csv", "CSV", "Every measure of every classifier and training set, with intervals, differences and verdicts"],
    ["table.tex", "LaTeX", "The measures of the Results view and the differences for a paper, as tables that fit an A4 page; needs the package booktabs"],
    ["table.md", "Markdown", "The table of the Results view as Markdown"],
    ["report.html", "Report", "One HTML page to read or print, with figures and all that a methods section needs; it needs no network and holds no medical image"],
    ["record.json", "JSON", "The whole record: numbers, options, parameters, versions"],
  ];

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const counted = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

  function left(seconds) {
    if (!Number.isFinite(seconds)) return "";
    return seconds < 90 ? ` · ${Math.max(1, Math.round(seconds))} s left` : seconds < 5400 ? ` · ${Math.round(seconds / 60)} min left` : ` · ${(seconds / 3600).toFixed(1)} h left`;
  }

  class Head {
    constructor(hub) {
      this.hub = hub;
      this.title = make("span", { class: "lab-classified-title" });
      this.words = make("span", { class: "lab-classified-words", role: "status", "aria-live": "polite" });
      this.bar = make("i", {});
      // One at work is stopped by the strip above, which is there on every tab.
      this.stop = make("button", { type: "button", class: "lab-button plain" }, "Take from the queue");
      this.stop.addEventListener("click", () => hub.stop());
      this.working = make("div", { class: "lab-classified-working", hidden: true }, this.words,
        make("div", { class: "lab-classified-progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": "Progress" }, this.bar), this.stop);
      this.more = make("button", { type: "button", class: "lab-button", hidden: true, title: "Start the same comparison again: trainings that are done are not repeated" }, "Continue");
      this.more.addEventListener("click", () => hub.goOn());
      this.exports = make("div", { class: "lab-classified-exports", role: "group", "aria-label": "Save" });
      this.root = make("div", { class: "lab-classified-bar lab-classified-head" }, this.title, this.working, this.more, this.exports);
    }

    show({ data, shown, job, state }) {
      const done = data ? data.rows.length : 0;
      const partial = Boolean(data && !data.live && data.whole === false);
      this.title.textContent = !data ? "" : [
        data.name || (data.parameters || {}).real,
        job ? "" : `${counted(data.classifiers.length, "classifier", "classifiers")} × ${counted(data.arms.length, "training set", "training sets")} × ${counted(data.seeds, "seed", "seeds")}`,
        job || partial ? `${done} of ${data.cells} trainings` : "",
      ].filter(Boolean).join(" · ");
      this.title.title = data && data.created ? `${data.created} · ${shown}` : "";
      this.working.hidden = !job;
      this.more.hidden = !partial;
      this.exports.hidden = Boolean(job) || !shown;
      if (job) this.progress(state);
      else if (shown) this.save(data.files);
    }

    progress({ state, progress, message, eta_s: seconds }) {
      const percent = Math.round(100 * (progress || 0));
      const words = state === "queued" ? "Waiting for its turn" : state === "stopping" ? "Stopping, and summing up what is done" : `${message || "Starting"} · ${percent} %${left(seconds)}`;
      if (this.words.textContent !== words) this.words.textContent = words;
      this.words.title = words;
      this.stop.hidden = state !== "queued";
      this.bar.style.width = `${percent}%`;
      this.bar.parentElement.setAttribute("aria-valuenow", String(percent));
    }

    // The tables hold the measures of the Results view, as it shows them.
    save(files) {
      const some = this.hub.columns ? `?measures=${this.hub.columns.map(encodeURIComponent).join(",")}` : "";
      const wanted = [this.hub.shown, some, ...files].join();
      if (wanted === this.saved) return;
      this.saved = wanted;
      this.exports.replaceChildren(...FILES.filter(([name]) => files.includes(name)).map(([name, title, help]) =>
        make("a", { href: this.hub.address(`download/${name}`) + (name.startsWith("table.") ? some : ""), download: `${this.hub.shown}-${name}`, title: help }, title)));
    }
  }

  lab.classifiedHead = { Head };
})();
