// A comparison of classifiers in views: the one chosen on the left, or the one at work, whose trainings fill the matrix.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const LIVE = new Set(["queued", "running", "pausing", "paused", "stopping"]);
  const EVERY_MS = 600;
  const LIST_WITHIN_MS = 8000;
  const REMEMBERED = "lab.classify.view";
  const VIEWS = [
    ["matrix", "Trainings", "Classifiers against training sets: every training as it comes"],
    ["table", "Results", "Every measure with its interval, and what it differs by from real images alone"],
    ["published", "Published", "What a study printed for its classifiers and training sets, beside what came out here"],
    ["forest", "Differences", "What each training set changes, with its interval, for each classifier"],
    ["curves", "Curves", "ROC, precision and recall, calibration"],
    ["confusion", "Confusion", "Which classes are taken for which, and the images behind each number"],
    ["images", "Images", "Single test images: what was said of them, and the training images that they are like"],
    ["phases", "Phases", "A measure against the number of synthetic images added"],
    ["tuning", "Tuning", "What was tried for each classifier before the comparison"],
    ["checks", "Checks", "What could make the result untrue: leaks, confounds, too few images"],
  ];
  const AGAIN = "Start the same comparison again: trainings that are done are not repeated";
  const WHILE_LIVE = new Set(["matrix", "tuning", "checks"]); // the others sum up, and there is nothing to sum up yet
  const NOTHING = {
    name: "", created: "", real: "", test: "", synthetic: [], classes: [], positive: "", seeds: 0, classifiers: [], arms: [], rows: [], summary: [], curves: [],
    guards: [], leaks: [], tuned: [], trials: [], not_done: [], warnings: [], headline: [], parameters: {}, versions: {}, measures: {}, main: [], files: [], cells: 0,
  };

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const said = (error) => [error.words || error.what || error.message, error.why || error.detail, error.advice].filter(Boolean).filter((text, place, all) => all.indexOf(text) === place).join(" ");

  class Classified {
    constructor(root) {
      this.root = root;
      this.of = null; // "comparisons/…" or "jobs/…", "" where there is none; null before the page has said it
      this.shown = ""; // id of the comparison on show
      this.job = ""; // the comparing job that is followed
      this.data = null;
      this.measure = "";
      this.chosen = {}; // classifier, arm and more, shared by the views
      this.unmarked = 0; // until when the list on the left may lag behind what was begun here
      this.asked = 0; // counts requests, so that a slow answer never replaces a newer one
      this.build();
      this.look = lab.poll(root, () => this.tick(), EVERY_MS);
    }

    build() {
      this.line = new lab.classifiedHead.Head(this);
      this.empty = make("p", { role: "status" });
      this.next = make("button", { type: "button", class: "lab-button", hidden: true }, "Open the Data tab");
      this.next.addEventListener("click", () => document.getElementById("tab-data-button").click());
      this.again = make("button", { type: "button", class: "lab-button", hidden: true, title: AGAIN }, "Continue");
      this.again.addEventListener("click", () => this.goOn());
      this.nothing = make("div", { class: "lab-classified-empty", hidden: true }, this.empty, this.next, this.again);
      this.views = new lab.Views({
        of: "classified", rows: VIEWS, kinds: lab.classifiedViews, hub: this, remembered: REMEMBERED, opened: () => this.draw(),
      });
      this.root.append(this.line.root, this.views.bar, this.nothing, ...this.views.panels);
      this.draw();
    }

    // A view that has nothing to say has no tab.
    draw() {
      const has = (name) => !lab.classifiedViews[name].fits || lab.classifiedViews[name].fits(this.data);
      const fits = (name) => !this.data || (has(name) && (!this.data.live || WHILE_LIVE.has(name)));
      const current = fits(this.views.current) ? this.views.current : "matrix";
      this.onShow = current;
      this.views.show(current, Boolean(this.data), fits);
      this.views.list.hidden = !this.data;
      this.nothing.hidden = Boolean(this.data);
      if (this.data) this.views.draw(current, this.data, this.data);
    }

    // For the views

    redraw() {
      this.views.forget();
      this.draw();
    }

    measureTo(name) {
      this.measure = name;
      this.redraw();
    }

    choose(more) {
      this.chosen = { ...this.chosen, ...more };
      this.redraw();
    }

    go(view, more = {}) {
      this.chosen = { ...this.chosen, ...more };
      this.views.forget();
      this.views.open(view);
    }

    address(path) {
      return `/lab/comparison/${encodeURIComponent(this.shown)}/${path}`;
    }

    // The page says what is chosen on the left, and which job the button has just started.
    take({ of = "", job = "" }) {
      if (job) of = `jobs/${job}`;
      if (of === null) return; // the page has not said it yet
      if (!job && of !== this.of && this.unmarked > performance.now()) return; // the list does not know yet what was begun here
      if (job) this.unmarked = performance.now() + LIST_WITHIN_MS;
      if (of === this.of && of) return;
      // A job that has just ended is gone from the list: what came of it is on show already.
      if (this.of && this.of.startsWith("jobs/") && of === `comparisons/${this.shown}`) {
        this.of = of;
        return;
      }
      this.of = of;
      const [kind, id] = of.split("/");
      if (kind === "jobs") this.follow(id);
      else this.load(id || "");
    }

    // A job that was begun here, and not by the form, is chosen in the list on the left as soon as it stands there.
    mark() {
      const card = this.unmarked > performance.now() && this.root.closest(".lab-columns").querySelector(`.lab-card[data-id="${CSS.escape(this.of)}"]`);
      if (!card) return;
      this.unmarked = 0;
      if (card.getAttribute("aria-selected") !== "true") card.click();
    }

    tick() {
      this.mark();
      if (this.job) return this.progress();
      // Right after the first start the engine has not yet said what the measures are called.
      if (this.shown && this.data && !this.data.described && (this.tries = (this.tries || 0) + 1) < 50) return this.load(this.shown);
      return undefined;
    }

    follow(job) {
      if (job === this.job) return;
      this.asked += 1;
      this.job = job;
      this.shown = "";
      this.count = 0;
      this.state = { state: "queued", progress: 0, message: "" };
      this.data = null;
      this.again.hidden = true;
      this.say("Reading.");
      this.head();
      this.draw();
      if (this.look) this.look.now();
    }

    // How the comparison at work stands, and its new cells.
    async progress() {
      const job = this.job;
      let answer;
      try {
        answer = await lab.get(`/lab/classifying/${encodeURIComponent(job)}?since=${this.count}`);
      } catch (error) {
        if (error.status === 404 && job === this.job) this.ended("The comparison was taken from the queue.", null);
        return;
      }
      if (job !== this.job) return;
      this.state = answer;
      this.gather(answer);
      this.head();
      this.draw();
      if (LIVE.has(answer.state)) return;
      this.job = "";
      if (this.data) this.views.current = this.onShow; // what somebody looked at stays on show
      if (answer.comparison) {
        if (this.unmarked > performance.now()) this.of = `comparisons/${answer.comparison}`;
        await this.load(answer.comparison);
      } else this.ended(answer.error ? said(answer.error) : `The comparison was ${answer.state}; nothing was finished.`, answer.parameters, answer.state);
    }

    gather(answer) {
      if (!answer.matrix) return this.say(answer.state === "queued" ? "Waiting for its turn." : `${answer.message || "Starting"} …`);
      const more = lab.classifiedWork.gathered(this.data || { ...NOTHING, live: true }, answer);
      this.count = answer.count;
      if (more) this.data = more;
      if (!this.measure || !this.data.rows.some((row) => this.measure in row.metrics)) this.measure = this.data.primary;
      return undefined;
    }

    // It came to nothing: the reason stays, and it can be begun again.
    ended(words, parameters, state) {
      this.job = "";
      this.data = null;
      this.parameters = parameters;
      this.again.hidden = !parameters;
      this.again.textContent = state === "interrupted" ? "Continue" : "Try again";
      this.again.title = state === "failed" ? "Start the same comparison again; where something in the form is the cause, change it there and press Compare" : AGAIN;
      this.say(words);
      this.head();
      this.draw();
    }

    say(words) {
      this.empty.textContent = words || "No comparison yet. Choose real images with two or more classes and a synthetic set in the middle, tick classifiers, then press Compare.";
      this.next.hidden = Boolean(words);
    }

    async load(id) {
      const asked = (this.asked += 1);
      this.job = "";
      this.again.hidden = true;
      if (!id) {
        this.shown = "";
        this.data = null;
        this.say("");
        this.head();
        return this.draw();
      }
      try {
        const data = await lab.get(`/lab/comparison/${encodeURIComponent(id)}`);
        if (asked !== this.asked) return undefined;
        const changed = id !== this.shown;
        this.shown = id;
        this.data = { ...NOTHING, ...data };
        this.parameters = data.parameters;
        if (changed) this.chosen = {};
        if (changed || !this.measure) this.measure = data.primary;
      } catch (error) {
        if (asked !== this.asked) return undefined;
        this.shown = "";
        this.data = null;
        this.say(said(error));
      }
      this.head();
      return this.draw();
    }

    head() {
      this.line.show({ data: this.data, shown: this.shown, job: this.job, state: this.state });
    }

    // One that waits is taken from the queue; one at work keeps what is done.
    async stop() {
      const ask = (verb) => lab.post(`/lab/jobs/${encodeURIComponent(this.job)}/${verb}`);
      try {
        if (this.state.state === "queued") await ask("remove").catch(() => ask("stop"));
        else await ask("stop");
        this.look.now();
      } catch (error) {
        lab.toast(said(error), "error");
      }
    }

    // The same again: every training that is done is taken as it is.
    async goOn() {
      try {
        const id = await lab.classifiedWork.begin(this.parameters);
        this.of = `jobs/${id}`;
        this.unmarked = performance.now() + LIST_WITHIN_MS;
        this.follow(id);
      } catch (error) {
        lab.toast(said(error), "error");
      }
    }
  }

  function mount(element, props, watch) {
    const root = lab.feed.claim(element, "classified", "Comparison of classifiers");
    if (!root) return;
    root.classified = new Classified(root);
    const take = () => root.classified.take(JSON.parse(props.value || "null") || {});
    watch("value", take);
    take();
  }

  lab.classified = { mount };
})();
