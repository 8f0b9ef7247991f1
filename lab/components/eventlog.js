// The selected run's events in words, newest on top: states, checkpoints, warnings, errors.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SHOWN = 80;
  const STATES = {
    queued: "waiting in the queue", running: "running", pausing: "pausing", paused: "paused", stopping: "stopping",
    done: "done", stopped: "stopped and saved", failed: "failed", interrupted: "interrupted",
  };

  function words(note) {
    if (note.kind === "state") return STATES[note.state || note.name] || String(note.state || note.name || "");
    if (note.kind === "checkpoint") return "checkpoint saved";
    if (note.kind === "done") return "done";
    return [note.what || note.text || note.message || note.name || note.kind, note.why, note.advice].filter(Boolean).join(" ");
  }

  function clock(time) {
    const moment = new Date(typeof time === "number" ? time * 1000 : time);
    return Number.isNaN(moment.getTime()) ? "" : moment.toLocaleTimeString("en-GB");
  }

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class EventLog {
    constructor(root) {
      this.root = root;
      this.list = root.querySelector(".lab-eventlog-list");
      this.counted = root.querySelector(".lab-eventlog-count");
      this.run = "";
      this.logged = null;
      this.stop = () => {};
    }

    show(run) {
      if (run === this.run) return;
      this.stop();
      this.run = run;
      this.logged = null;
      this.list.replaceChildren();
      this.stop = lab.feed.follow(run, this.root, (store) => this.log(store.notes));
    }

    // Newest on top; entries that are there already stay the same nodes.
    log(notes) {
      const from = this.logged ? notes.indexOf(this.logged) + 1 : 0;
      for (const note of notes.slice(from)) {
        const place = Number.isFinite(note.images_seen) ? `${lab.curve.kimg(note.images_seen)} kimg` : "";
        this.list.prepend(make("li", { "data-kind": note.severity === "info" ? "info" : note.kind },
          make("time", {}, clock(note.t)), make("span", {}, place), make("span", {}, words(note))));
        while (this.list.childElementCount > SHOWN) this.list.lastElementChild.remove();
      }
      this.logged = notes.at(-1) || null;
      this.counted.textContent = notes.length ? String(notes.length) : "none yet";
    }
  }

  function mount(element) {
    const root = lab.feed.claim(element, "eventlog", "Event log");
    if (!root) return;
    const part = (tag, name, ...children) => make(tag, { class: `lab-eventlog-${name}` }, ...children);
    root.append(make("details", {}, make("summary", {}, "Event log ", part("span", "count")), part("ol", "list")));
    root.eventlog = new EventLog(root);
    lab.feed.onRun(root, (run) => root.eventlog.show(run));
  }

  lab.eventlog = { mount };
})();
