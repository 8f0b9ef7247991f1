// How the selected run is doing, in words taken from its events: nothing is said that no event supports.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const ENOUGH_POINTS = 30; // fewer readings of D say nothing about balance
  const CALM = 0.9;
  const REAL_RANGE = [0.5, 0.9]; // mean output of D on real images that leaves G something to learn from
  const FAKE_RANGE = [0.1, 0.5];
  // States in which a run has ended early: what to say where its job file says nothing.
  const ENDED = {
    failed: { what: "The run failed.", why: "", advice: "Resume goes on from the last checkpoint." },
    interrupted: { what: "The run was interrupted.", why: "Its process ended without a word: the computer or the worker was stopped.", advice: "Resume goes on from the last checkpoint." },
  };

  const within = (value, [low, high]) => value >= low && value <= high;

  // Index of the first point of the balanced stretch that reaches to the end, or -1.
  function balancedFrom(points) {
    const real = lab.curve.smooth(points.real, CALM);
    const fake = lab.curve.smooth(points.fake, CALM);
    let first = points.images.length;
    while (first > 0 && within(real[first - 1], REAL_RANGE) && within(fake[first - 1], FAKE_RANGE)) first -= 1;
    return points.images.length - first >= ENOUGH_POINTS ? first : -1;
  }

  const placed = (note) => (Number.isFinite(note.images_seen) ? `At ${lab.curve.kimg(note.images_seen)} kimg: ` : "");
  const said = (note, tone) => ({ tone, text: placed(note) + String(note.text || note.name || "a warning"), advice: String(note.advice || "") });

  // {tone, text, advice} of a run; tone is good, plain, info, warn or bad.
  function verdict(store) {
    const points = store.points;
    const count = points.images.length;
    const remarks = store.notes.filter((note) => note.kind === "warning");
    const warning = remarks.filter((note) => note.severity !== "info").at(-1);
    const from = count ? balancedFrom(points) : -1;
    const since = (note) => (count ? count - lab.curve.lowerBound(points.images, note.images_seen ?? 0) : 0);
    const over = (note) => from >= 0 && since(note) > ENOUGH_POINTS && points.images[from] >= (note.images_seen ?? 0);
    if (warning && !over(warning)) return said(warning, warning.severity === "error" || warning.severity === "bad" ? "bad" : "warn");
    const news = remarks.at(-1); // information, or a warning that is over
    if (news && news.severity === "info" && since(news) <= ENOUGH_POINTS) return said(news, "info");
    if (!count) return { tone: "plain", text: store.state === "queued" ? "Waits in the queue." : "No loss yet.", advice: "" };
    const mean = (values) => lab.curve.smooth(values, CALM)[count - 1];
    const outputs = Number.isFinite(mean(points.real)) && Number.isFinite(mean(points.fake))
      ? `The discriminator says ${mean(points.real).toFixed(2)} to real and ${mean(points.fake).toFixed(2)} to synthetic images (equal: it cannot tell them apart).` : "";
    if (from >= 0) return { tone: "good", text: `Balanced since ${lab.curve.kimg(points.images[from])} kimg.`, advice: outputs };
    return { tone: "plain", text: warning ? "No new warning." : "No warning so far.", advice: outputs };
  }

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Health {
    constructor(root) {
      const part = (name) => root.querySelector(`.lab-health-${name}`);
      [this.root, this.line, this.text, this.advice] = [root, part("line"), part("text"), part("advice")];
      [this.card, this.what, this.why, this.next, this.resume] = ["card", "what", "why", "next", "resume"].map(part);
      this.run = "";
      this.stop = () => {};
      this.onward = part("onward"); // the quiet Resume of a run that was stopped on purpose
      for (const button of [this.resume, this.onward]) button.addEventListener("click", () => this.again(button));
      const state = (event) => {
        if (!this.root.isConnected) return document.removeEventListener("lab:state", state);
        this.root.dataset.role = event.detail.role;
        if (event.detail.pulse !== this.pulse) this.read();
        this.pulse = event.detail.pulse;
      };
      document.addEventListener("lab:state", state);
    }

    show(run) {
      if (run === this.run) return;
      this.stop();
      this.run = run;
      this.say({ tone: "plain", text: run ? "Reading the run." : "Nothing to say yet: no run is chosen.", advice: "" });
      this.card.hidden = true;
      this.onward.hidden = true;
      this.stop = lab.feed.follow(run, this.root, (store, news) => this.update(store, news));
      this.read();
    }

    say({ tone, text, advice }) {
      this.line.dataset.tone = tone;
      if (this.text.textContent !== text) this.text.textContent = text;
      if (this.advice.textContent !== advice) this.advice.textContent = advice;
    }

    update(store, news) {
      this.say(store.trouble ? { tone: "warn", text: store.trouble, advice: "" } : verdict(store));
      if (news.state || news.error || news.done) this.read();
    }

    // The run's state and error as its job file has them: a process that was killed wrote no event.
    async read() {
      const run = this.run;
      if (!run) return;
      try {
        const answer = await lab.get(`/lab/run/${encodeURIComponent(run)}`);
        if (run === this.run) this.explain(answer);
      } catch { /* the feed already says that the app is away, or the run has no record yet */ }
    }

    explain({ state, error }) {
      const words = ENDED[state];
      this.onward.hidden = state !== "stopped";
      this.card.hidden = !words;
      if (!words) return;
      const said = error && error.what ? error : words;
      this.what.textContent = said.what;
      this.why.textContent = said.why || "";
      this.next.textContent = said.advice || words.advice;
    }

    async again(button) {
      button.disabled = true;
      try {
        await lab.post(`/lab/jobs/${encodeURIComponent(this.run)}/resume`);
        this.card.hidden = true;
        this.onward.hidden = true;
        lab.feed.hurry();
      } catch (error) {
        lab.toast([error.words, error.advice].filter(Boolean).join(" "), "error");
      } finally {
        button.disabled = false;
      }
    }
  }

  function fill(root) {
    const part = (tag, name, ...children) => make(tag, { class: `lab-health-${name}` }, ...children);
    root.append(
      make("div", { class: "lab-health-line", role: "status", "data-tone": "plain" }, 
        make("span", {}, part("b", "text"), " ", part("span", "advice")),
        make("button", { type: "button", class: "lab-health-onward", hidden: true, title: "Stopped and saved: goes on from where it stopped" }, "Resume")),
      make("div", { class: "lab-health-card", role: "alert", hidden: true },
        part("b", "what"), part("span", "why"), part("span", "next"), make("button", { type: "button", class: "lab-health-resume" }, "Resume")));
  }

  function mount(element) {
    const root = lab.feed.claim(element, "health", "How the run is doing");
    if (!root) return;
    fill(root);
    root.health = new Health(root);
    lab.feed.onRun(root, (run) => root.health.show(run));
    if (!lab.feed.selected()) root.health.say({ tone: "plain", text: "No run is chosen.", advice: "Start one, or choose one on the left." });
  }

  lab.health = { mount, verdict };
})();
