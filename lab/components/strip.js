// The run strip: what works now, how far it is, when it ends, and the verbs that it obeys. Asks /lab/state each second
// and tells the rest of the page by the event lab:state.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const EVERY_MS = 1000;
  const WORDS = {
    queued: "waiting", running: "running", pausing: "pausing", paused: "paused", stopping: "saving", done: "done",
    stopped: "stopped", failed: "failed", interrupted: "interrupted",
  };
  const LIVE = new Set(["running", "pausing", "paused", "stopping"]);
  const BUTTONS = [
    ["pause", "Pause", "Saves a checkpoint and frees the device when you resume later (the run keeps its place)."],
    ["resume", "Resume", "Goes on exactly where the run stood."],
    ["sample_now", "Sample now", "Draws a sample sheet at once; training is not changed by it."],
    ["stop", "Stop and save", "Ends the run after a checkpoint; it can be resumed later."],
    ["discard", "Discard", "Ends the run and removes it with its checkpoints and sheets."],
  ];
  // What a verb says where it means something else than for a training.
  const OTHERS = {
    compare: {
      stop: ["Stop and keep what is done", "The trainings that are done are kept; Continue goes on from there."],
      discard: ["Discard", "Ends the comparison without a result."],
    },
    other: {
      stop: ["Stop", "Ends this job; what it has finished is kept where it can be."],
      discard: ["Discard", "Ends this job; nothing of it is kept."],
    },
  };
  const DISMISSED = "lab.dismissed";

  const allowed = (state, kind) => {
    const verbs = new Set();
    const training = kind === "train";
    if (state === "running") verbs.add("stop").add("discard");
    if (state === "running" && training) verbs.add("pause").add("sample_now");
    if (state === "paused") verbs.add("resume").add("stop").add("discard");
    if (state === "paused" && training) verbs.add("sample_now");
    if (state === "interrupted" || (state === "stopped" && training)) verbs.add("resume");
    if (state === "failed" && training) verbs.add("resume");
    return verbs;
  };

  const saying = (verb, job) => {
    const { kind } = job || { kind: "train" };
    const own = kind === "train" ? {} : OTHERS[kind] || OTHERS.other;
    return own[verb] || BUTTONS.find(([name]) => name === verb).slice(1);
  };

  const size = (bytes) => (bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.round(bytes / 2 ** 20)} MB`);

  // Numbers as [value, unit] pairs: the value stands out, the unit is dim.
  function facts(job) {
    const found = [];
    if (Number.isFinite(job.images_seen)) found.push([(job.images_seen / 1000).toFixed(job.images_seen < 100000 ? 1 : 0), "kimg"]);
    if (Number.isFinite(job.epoch)) found.push(["epoch", Math.floor(job.epoch).toLocaleString("en")]);
    if (Number.isFinite(job.images_per_s) && job.state === "running") {
      found.push([job.images_per_s.toLocaleString("en", { maximumFractionDigits: job.images_per_s < 10 ? 1 : 0 }), "img/s"]);
    }
    if (Number.isFinite(job.memory_bytes) && LIVE.has(job.state)) {
      const total = job.memory_total_bytes ? `of ${size(job.memory_total_bytes)}` : "memory";
      found.push([size(job.memory_bytes), total]);
    }
    return found;
  }

  class Strip {
    constructor(element, props, trigger) {
      this.element = element;
      this.props = props;
      this.trigger = trigger;
      this.pulse = null;
      this.build = null;
      this.asked = new Set();
      this.title = document.title;
      this.make(lab.root(element));
      this.poller = lab.poll(element, () => this.read(), EVERY_MS);
    }

    make(root) {
      root.className = "lab-part lab-strip";
      root.setAttribute("role", "region");
      root.setAttribute("aria-label", "Run at work");
      this.dot = lab.el("span", { class: "lab-dot", "aria-hidden": true });
      this.state = lab.el("span", { class: "lab-strip-state", "aria-live": "polite" });
      this.name = lab.el("strong", { class: "lab-strip-name" });
      this.fill = lab.el("span", { class: "lab-strip-fill" });
      this.bar = lab.el("span", { class: "lab-strip-bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 }, [this.fill]);
      this.numbers = lab.el("span", { class: "lab-strip-numbers" });
      this.ends = lab.el("span", { class: "lab-strip-ends" });
      this.offline = lab.el("span", { class: "lab-strip-offline lab-hidden", role: "alert" });
      this.buttons = Object.fromEntries(BUTTONS.map(([verb, text, help]) => [
        verb,
        lab.el("button", { type: "button", class: `lab-button lab-hidden${verb === "discard" ? " plain danger" : ""}`, text, title: help, "data-verb": verb, on: { click: () => this.ask(verb) } }),
      ]));
      this.actions = lab.el("span", { class: "lab-strip-actions" }, Object.values(this.buttons));
      this.line = lab.el("div", { class: "lab-strip-line" }, [this.dot, this.name, this.state, this.bar, this.numbers, this.ends, this.offline, this.actions]);
      this.what = lab.el("strong");
      this.why = lab.el("span", { class: "lab-strip-why" });
      this.advice = lab.el("span", { class: "lab-strip-advice" });
      this.card = lab.el("div", { class: "lab-strip-card lab-hidden", role: "alert" }, [
        this.what, this.why, this.advice,
        lab.el("button", { type: "button", class: "lab-button plain", text: "Dismiss", on: { click: () => this.dismiss() } }),
      ]);
      root.replaceChildren(this.line, this.card);
    }

    async read() {
      let state;
      try {
        state = await lab.get("/lab/state");
      } catch (fault) {
        this.lost(fault);
        return;
      }
      this.offline.classList.add("lab-hidden");
      this.line.classList.remove("stale");
      lab.state = state;
      document.documentElement.dataset.role = state.role;
      if (this.build !== null && this.build !== state.build) this.say("Phantom Lab was updated. Reload the page.");
      this.build = this.build || state.build;
      this.show(state);
      document.dispatchEvent(new CustomEvent("lab:state", { detail: state }));
      if (this.pulse !== null && this.pulse !== state.pulse && this.trigger) {
        this.props.value = JSON.stringify({ pulse: state.pulse });
        this.trigger("input"); // not "change": Gradio answers that one with itself, without end
      }
      this.pulse = state.pulse;
    }

    lost(fault) {
      this.line.classList.add("stale");
      this.say(fault.status === 401 ? "Session ended: open the link again." : "Offline: Phantom Lab does not answer. Runs go on.");
      document.dispatchEvent(new CustomEvent("lab:offline", { detail: { status: fault.status } }));
    }

    say(text) {
      if (this.offline.textContent !== text) this.offline.textContent = text;
      this.offline.classList.remove("lab-hidden");
    }

    show(state) {
      const job = state.active;
      const idle = !job || (!LIVE.has(job.state) && job.state !== "failed" && job.state !== "interrupted" && state.queue_count === 0);
      this.job = job;
      this.dot.className = `lab-dot ${job ? job.state : ""}`;
      this.name.textContent = job ? job.title || job.id : "No run.";
      this.state.textContent = job ? WORDS[job.state] || job.state : "Curate first, then train.";
      this.state.classList.toggle("plain", !job);
      const live = Boolean(job) && LIVE.has(job.state);
      const percent = job ? Math.round(100 * (job.progress || 0)) : 0;
      this.bar.classList.toggle("lab-hidden", !job || idle);
      this.bar.setAttribute("aria-valuenow", String(percent));
      this.fill.style.width = `${percent}%`;
      this.fill.className = `lab-strip-fill ${job ? job.state : ""}`;
      this.numbers.replaceChildren(...(job ? facts(job) : []).map(([value, unit]) => lab.el("span", {}, value === "epoch"
        ? [lab.el("span", { text: "epoch " }), lab.el("b", { text: unit })]
        : [lab.el("b", { text: value }), lab.el("span", { text: ` ${unit}` })])));
      this.ends.replaceChildren(...this.ending(job, live));
      this.verbs(job, state.role);
      this.showError(job);
      document.title = live ? `[${percent} %] ${job.title || job.id}` : this.title;
    }

    ending(job, live) {
      if (!job) return [];
      if (job.ends_at) return [lab.el("span", { text: "ends about " }), lab.el("b", { text: lab.time(job.ends_at) })];
      if (!live && job.ended) return [lab.el("span", { text: `at ${lab.time(job.ended)}` })];
      return job.message ? [lab.el("span", { text: job.message })] : [];
    }

    verbs(job, role) {
      const may = role === "owner" && job ? allowed(job.state, job.kind) : new Set();
      for (const [verb, button] of Object.entries(this.buttons)) {
        button.classList.toggle("lab-hidden", !may.has(verb));
        const [words, help] = saying(verb, job);
        if (button.textContent !== words) button.textContent = words;
        button.title = help;
        const key = job ? `${job.id}/${verb}/${job.state}` : "";
        button.disabled = this.asked.has(key);
      }
    }

    showError(job) {
      const dismissed = job && sessionStorage.getItem(DISMISSED) === `${job.id}/${job.ended}`;
      const error = job && !dismissed && (job.state === "failed" || job.state === "interrupted")
        ? job.error || (job.state === "interrupted" && { what: "This job was interrupted.", why: "Its process ended without a word: the computer restarted, or it was ended from outside.", advice: job.kind === "train" ? "Press Resume: it goes on from its last checkpoint." : "Start it again." })
        : null;
      this.card.classList.toggle("lab-hidden", !error);
      if (!error) return;
      this.what.textContent = error.what || "";
      this.why.textContent = error.why || "";
      this.advice.textContent = error.advice || "";
    }

    dismiss() {
      if (this.job) sessionStorage.setItem(DISMISSED, `${this.job.id}/${this.job.ended}`);
      this.card.classList.add("lab-hidden");
    }

    async ask(verb) {
      const { job } = this;
      if (!job) return;
      if (verb === "discard") {
        const sure = await lab.confirm(`Discard “${job.title || job.id}”?\n${job.kind === "train" ? "Its checkpoints and sample sheets are removed for good." : saying(verb, job)[1]}`, "Discard");
        if (!sure) return;
      }
      const key = `${job.id}/${verb}/${job.state}`;
      if (verb !== "sample_now") this.asked.add(key);
      this.verbs(job, "owner");
      try {
        await lab.post(`/lab/jobs/${encodeURIComponent(job.id)}/${verb}`);
        if (verb === "sample_now") lab.toast("A sample sheet will follow in a moment.");
      } catch (fault) {
        this.asked.delete(key);
        lab.toast([fault.words, fault.advice].filter(Boolean).join(" "), "error");
      }
      setTimeout(() => this.asked.delete(key), 15000);
      this.poller.now();
    }
  }

  lab.strip = { mount: (element, props, watch, trigger) => new Strip(element, props, trigger), facts };
})();
