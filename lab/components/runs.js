// What the lab has trained and what waits: a click shows a run everywhere, a mark compares it; the queue can be reordered.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const REMEMBERED = "lab.run";
  const WORDS = {
    queued: "queued", running: "running", pausing: "pausing", paused: "paused", stopping: "stopping",
    done: "done", stopped: "stopped, saved", failed: "failed", interrupted: "interrupted",
  };
  const LIVE = new Set(["running", "pausing", "paused", "stopping"]);

  const percent = (progress) => `${Math.floor(Math.min(1, Math.max(0, progress || 0)) * 100)} %`;

  function duration(seconds) {
    if (!Number.isFinite(seconds)) return "";
    const minutes = Math.max(1, Math.round(seconds / 60));
    return minutes < 60 ? `about ${minutes} min` : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  function day(created) {
    const moment = new Date(created);
    return Number.isNaN(moment.getTime()) ? "" : moment.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  }

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Runs {
    constructor(root) {
      const part = (name) => root.querySelector(`.lab-runs-${name}`);
      this.root = root;
      [this.list, this.none, this.queue, this.idle, this.more, this.trouble] = ["list", "none", "queue", "idle", "more", "trouble"].map(part);
      [this.hint, this.open, this.clear] = ["hint", "open", "clear"].map(part);
      this.rows = new Map();
      this.waiting = new Map();
      this.runs = [];
      this.started = ""; // the last run that this page has started
      this.list.addEventListener("keydown", (event) => this.key(event));
      const state = (event) => {
        if (!this.root.isConnected) return document.removeEventListener("lab:state", state);
        if (event.detail) this.live(event.detail);
      };
      document.addEventListener("lab:state", state);
      const chosen = (event) => {
        if (!this.root.isConnected) return document.removeEventListener("lab:run", chosen);
        this.mark(event.detail.run);
      };
      document.addEventListener("lab:run", chosen);
      this.open.addEventListener("click", () => lab.compared.show(true));
      this.clear.addEventListener("click", () => lab.compared.clear());
      lab.compared.onChange(root, () => this.marks());
    }

    // The list anew: when the page opens, and whenever a job starts, ends or changes its state.
    async read() {
      try {
        this.show((await lab.get("/lab/runs")).runs);
      } catch { /* the strip says that the app is away */ }
    }

    show(runs) {
      this.runs = runs;
      lab.compared.keep(runs.map((run) => run.id));
      this.none.hidden = this.runs.length > 0;
      const kept = new Set(this.runs.map((run) => run.id));
      for (const [id, row] of this.rows) {
        if (kept.has(id)) continue;
        row.item.remove();
        this.rows.delete(id);
      }
      this.runs.forEach((run, place) => {
        const row = this.rows.get(run.id) || this.row(run.id);
        if (this.list.children[place] !== row.item) this.list.insertBefore(row.item, this.list.children[place] || null);
        this.fill(row, run);
      });
      if (this.last) this.progress(this.last);
      this.choose();
      this.marks();
    }

    row(id) {
      const [dot, name, note] = ["dot", "name", "note"].map((part) => make("span", { class: `lab-runs-${part}` }));
      const button = make("button", { type: "button", class: "lab-runs-run" }, dot, name, note);
      button.addEventListener("click", () => this.pick(id));
      const box = make("input", { type: "checkbox" });
      box.addEventListener("change", () => lab.compared.set(id, box.checked));
      const letter = make("i", { "aria-hidden": "true" });
      const row = { item: make("li", {}, button, make("label", { class: "lab-runs-mark" }, box, letter)), button, dot, name, note, box, letter };
      this.rows.set(id, row);
      return row;
    }

    fill(row, run) {
      row.name.textContent = run.title || run.id;
      row.button.title = run.title ? `${run.title} · ${run.id}` : run.id;
      row.box.setAttribute("aria-label", `Compare: ${run.title || run.id}, ${day(run.created)}`);
      row.dot.dataset.state = run.state;
      const parts = [WORDS[run.state] || run.state];
      if (LIVE.has(run.state)) parts.unshift(percent(run.progress));
      if (run.images_seen) parts.push(`${lab.curve.kimg(run.images_seen)} kimg`);
      if (run.note) parts.push(run.note);
      const text = parts.join(" · ");
      if (row.note.textContent !== text) row.note.textContent = text;
    }

    // A run that was started on this page is shown at once; the list has it as soon as its worker has begun.
    expect(started) {
      if (!started || started === this.started) return;
      this.started = started;
      this.pick(started);
      this.read();
    }

    // One tick of /lab/state: the active run's progress, and the queue.
    live(state) {
      this.root.dataset.role = state.role || "viewer";
      if (state.pulse !== (this.last && this.last.pulse)) this.read();
      this.last = state;
      this.progress(state);
      this.line((state.queue || []).filter((job) => job.state === "queued"), state.queue_count || 0);
    }

    progress({ active }) {
      const run = active && this.runs.find((other) => other.id === active.id);
      if (!run && active && active.kind === "train") this.read();
      if (!run) return;
      Object.assign(run, { state: active.state, progress: active.progress, images_seen: active.images_seen || run.images_seen });
      this.fill(this.rows.get(run.id), run);
    }

    line(jobs, count) {
      this.idle.hidden = jobs.length > 0;
      this.more.hidden = count <= jobs.length;
      this.more.textContent = `and ${count - jobs.length} more`;
      const kept = new Set(jobs.map((job) => job.id));
      for (const [id, entry] of this.waiting) {
        if (kept.has(id)) continue;
        entry.item.remove();
        this.waiting.delete(id);
      }
      jobs.forEach((job, place) => {
        const entry = this.waiting.get(job.id) || this.entry(job.id);
        if (this.queue.children[place] !== entry.item) this.queue.insertBefore(entry.item, this.queue.children[place] || null);
        entry.name.textContent = job.title || job.id;
        entry.note.textContent = duration(job.eta_s);
        entry.verbs.up.disabled = place === 0;
        entry.verbs.down.disabled = place === count - 1;
        for (const [verb, button] of Object.entries(entry.verbs)) button.setAttribute("aria-label", `${verb === "remove" ? "Remove" : `Move ${verb}`}: ${job.title || job.id}`);
      });
    }

    entry(id) {
      const [name, note] = ["name", "note"].map((part) => make("span", { class: `lab-runs-${part}` }));
      const verbs = {};
      for (const [verb, sign] of [["up", "↑"], ["down", "↓"], ["remove", "×"]]) {
        verbs[verb] = make("button", { type: "button" }, sign);
        verbs[verb].addEventListener("click", () => this.ask(id, verb));
      }
      const entry = { item: make("li", { class: "lab-runs-job" }, make("span", {}, name, note), ...Object.values(verbs)), name, note, verbs };
      this.waiting.set(id, entry);
      return entry;
    }

    async ask(id, verb) {
      try {
        await lab.post(`/lab/jobs/${encodeURIComponent(id)}/${verb}`);
        this.trouble.textContent = "";
      } catch (error) {
        this.trouble.textContent = [error.words, error.advice].filter(Boolean).join(" ");
      }
    }

    // The boxes of the rows, and the line below the list that says what can be done with the marks.
    marks() {
      const count = lab.compared.list().length;
      const open = lab.compared.isOpen();
      for (const [id, row] of this.rows) {
        const mark = lab.compared.of(id);
        row.box.checked = Boolean(mark);
        row.box.disabled = !mark && lab.compared.isFull();
        row.box.parentElement.title = row.box.disabled ? "Four runs at most can be compared" : mark ? "Marked for comparison" : "Mark to compare";
        row.letter.textContent = mark ? mark.letter : "";
        row.item.style.setProperty("--own", mark ? `var(${mark.token})` : "transparent");
        row.item.toggleAttribute("data-marked", Boolean(mark));
      }
      this.root.toggleAttribute("data-many", this.runs.length >= lab.compared.FEWEST);
      this.hint.hidden = count >= lab.compared.FEWEST && !open;
      this.hint.textContent = ["Mark two runs to compare them.", "Mark one more."][count] || `Comparing ${count} runs`;
      this.open.hidden = count < lab.compared.FEWEST || open;
      this.open.textContent = `Compare ${count} runs`;
      this.clear.hidden = count === 0;
    }

    pick(id) {
      lab.compared.show(false);
      try {
        localStorage.setItem(REMEMBERED, id);
      } catch { /* the choice lasts as long as the page */ }
      lab.feed.select(id, "runs");
    }

    // Without a choice: the link's run, the last one looked at, or the newest.
    choose() {
      if (lab.feed.selected() || !this.runs.length) return this.mark(lab.feed.selected());
      let wanted = new URLSearchParams(location.search).get("run");
      try {
        wanted = wanted || localStorage.getItem(REMEMBERED);
      } catch { /* no storage: the newest */ }
      const run = this.runs.find((other) => LIVE.has(other.state)) || this.runs.find((other) => other.id === wanted) || this.runs[0];
      lab.feed.select(run.id, "runs");
    }

    mark(chosen) {
      for (const [id, row] of this.rows) row.button.setAttribute("aria-current", String(id === chosen));
    }

    key(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const same = document.activeElement instanceof HTMLInputElement ? "input" : "button"; // boxes and rows are two columns
      const buttons = [...this.list.querySelectorAll(same)];
      const at = buttons.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      (buttons[at + step] || buttons[at]).focus();
    }
  }

  function fill(root) {
    const part = (tag, name, ...children) => make(tag, { class: `lab-runs-${name}` }, ...children);
    root.append(
      make("h3", {}, "Runs"), part("p", "none", "No run yet. The first one appears here when it starts."),
      make("ul", { class: "lab-runs-list", "aria-label": "Runs" }),
      part("div", "compare", make("span", { class: "lab-runs-hint", role: "status" }),
        make("button", { type: "button", class: "lab-runs-open" }), make("button", { type: "button", class: "lab-runs-clear", title: "Remove all marks" }, "Unmark")),
      make("h3", {}, "Queue"), part("p", "idle", "Nothing waits."),
      make("ol", { class: "lab-runs-queue", "aria-label": "Queue" }), make("p", { class: "lab-runs-more", hidden: true }),
      make("p", { class: "lab-runs-trouble", role: "status" }));
  }

  // value: {started: id of a run that this page has just started and wants to see}
  function mount(element, props, watch) {
    const root = lab.feed.claim(element, "runs", "Runs and queue");
    if (!root) return;
    fill(root);
    root.runs = new Runs(root);
    const take = () => {
      root.runs.expect((JSON.parse(props.value || "null") || {}).started);
    };
    watch("value", take);
    take();
    root.runs.read();
  }

  lab.runs = { mount, WORDS, day };
})();
