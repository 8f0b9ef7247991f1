// The first line of what was measured: the list of measurements, what is at work, and the files to keep.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const REPORT = "report.html"; // made when it is asked for
  const FILES = [
    ["metrics.csv", "CSV", "The table of metrics"], ["images.csv", "Images CSV", "What is known of each synthetic image"],
    ["record.json", "JSON", "The whole record: numbers, details, parameters, versions"],
    [REPORT, "Report", "Figures and protocol as one HTML file that needs no network; it holds no image"],
  ];

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  // A measurement in the list: when, against what, at how many checkpoints.
  function named(one) {
    const parts = [lab.runs.day(one.created), `against ${one.real}`];
    if (one.checkpoints > 1) parts.push(`${one.checkpoints} checkpoints`);
    if (one.held_out) parts.push("held-out");
    return [one.id, parts.join(" · ")];
  }

  class Head {
    // `pick(value)` is called with the id of an evaluation or “job:” and a job's, `stop()` to cancel.
    constructor({ pick, stop }) {
      this.list = make("select", { class: "lab-measured-list", "aria-label": "Measurement", title: "Which measurement is on show" });
      this.list.addEventListener("change", () => pick(this.list.value));
      this.words = make("span", { class: "lab-measured-words", role: "status", "aria-live": "polite" });
      this.bar = make("i", {});
      const cancel = make("button", { type: "button", class: "lab-button plain", title: "Stop this measurement; nothing of it is kept" }, "Cancel");
      cancel.addEventListener("click", stop);
      this.working = make("div", { class: "lab-measured-working", hidden: true }, this.words,
        make("div", { class: "lab-measured-progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": "Progress" }, this.bar), cancel);
      this.exports = make("div", { class: "lab-measured-exports", role: "group", "aria-label": "Save" });
      this.root = make("div", { class: "lab-measured-bar" }, this.list, this.working, this.exports);
    }

    show({ of, evaluations, shown, job, state, files }) {
      const entries = evaluations.map(named);
      if (job) entries.unshift([`job:${job}`, "Measuring now"]);
      if (shown && !entries.some(([id]) => id === shown)) entries.unshift([shown, "The newest"]);
      if (!entries.length) entries.push(["", of ? "No measurement yet" : "Nothing chosen"]);
      const wanted = JSON.stringify(entries);
      if (wanted !== this.offered) this.list.replaceChildren(...entries.map(([id, text]) => make("option", { value: id }, text)));
      this.offered = wanted;
      this.list.disabled = !shown && !job;
      this.list.value = job ? `job:${job}` : shown;
      this.working.hidden = !job;
      this.exports.hidden = Boolean(job) || !shown;
      if (job) this.progress(state);
      else this.save(shown, files);
    }

    progress({ state, progress, message }) {
      const percent = Math.round(100 * (progress || 0));
      const words = state === "queued" ? "Waiting for its turn" : `${message || "Starting"} · ${percent} %`;
      if (this.words.textContent !== words) this.words.textContent = words;
      this.bar.style.width = `${percent}%`;
      this.bar.parentElement.setAttribute("aria-valuenow", String(percent));
    }

    save(shown, files) {
      const wanted = [shown, ...files].join();
      if (wanted === this.saved) return;
      this.saved = wanted;
      this.exports.replaceChildren(...FILES.filter(([name]) => name === REPORT || files.includes(name)).map(([name, title, help]) =>
        make("a", { href: `/lab/evaluation/${encodeURIComponent(shown)}/download/${name}`, download: `${shown}-${name}`, title: help }, title)));
    }
  }

  lab.measuredHead = { Head };
})();
