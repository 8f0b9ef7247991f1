// What was measured of the chosen run or set, in views; a measurement at work fills them as its numbers come.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const LIVE = new Set(["queued", "running", "pausing", "paused", "stopping"]);
  const EVERY_MS = 600;
  const MOST_TRIES = 50;
  const REMEMBERED = "lab.explore.view";
  const VIEWS = [
    ["scores", "Scores", "Every number with its interval, beside what real images reach among themselves"],
    ["training", "Over training", "A metric against images seen, with the best checkpoint"],
    ["copies", "Copies", "Synthetic images beside the training images that they are most like"],
    ["images", "Images", "Single images: a histogram, and the images behind each of its bars"],
    ["map", "Map", "All images on a plane, near those that they resemble"],
    ["latents", "Latent space", "What a checkpoint draws at and between seeds: needs a run, and no measurement"],
    ["compare", "Compare", "Two to four measurements side by side; a winner only where intervals lie apart"],
    ["scorecard", "Scorecard", "The seven criteria of the FDA's scorecard for synthetic medical data"],
  ];
  const ALONE = "latents"; // the view that needs a run only, whatever was measured of it
  const NOTHING = { rows: [], best: {}, copies: null, columns: [], not_measured: [], warnings: [], files: [], pictures: false };

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const said = (error) => [error.words || error.what || error.message, error.why, error.advice].filter(Boolean).join(" ");

  class Measured {
    constructor(root) {
      this.root = root;
      this.of = null; // "runs/…" or "image_sets/…", "" where there is none; null before the page has said it
      this.shown = ""; // id of the evaluation on show
      this.job = ""; // the measurement at work that is on show
      this.data = null; // what the views draw
      this.checkpoint = null; // images seen, of the checkpoint that the scores are of
      this.stale = false; // whether the list is to be read
      this.tries = 0;
      this.asked = 0; // counts requests, so that a slow answer never replaces a newer one
      this.build();
      const state = (event) => {
        if (!this.root.isConnected) return document.removeEventListener("lab:state", state);
        if (this.pulse !== event.detail.pulse) this.stale = true;
        this.pulse = event.detail.pulse;
      };
      document.addEventListener("lab:state", state);
      this.look = lab.poll(root, () => this.tick(), EVERY_MS);
    }

    build() {
      this.line = new lab.measuredHead.Head({ pick: (value) => this.pick(value), stop: () => this.stop() });
      this.empty = make("p", { role: "status" });
      this.train = make("button", { type: "button", class: "lab-button", hidden: true }, "Open the Train tab");
      this.train.addEventListener("click", () => document.getElementById("tab-train-button").click());
      this.nothing = make("div", { class: "lab-measured-empty", hidden: true }, this.empty, this.train);
      this.views = new lab.Views({
        of: "measured", rows: VIEWS, kinds: lab.measuredViews, hub: this, remembered: REMEMBERED, opened: () => this.draw(),
      });
      this.root.append(this.line.root, this.views.bar, this.nothing, ...this.views.panels);
      this.draw();
    }

    draw() {
      const name = this.views.current;
      const alone = name === ALONE && Boolean(this.of);
      const some = alone || Boolean(this.data);
      this.views.show(name, some);
      this.nothing.hidden = some;
      this.train.hidden = Boolean(this.of);
      if (some) this.views.draw(name, alone ? this.of : this.data, this.data);
    }

    // The page says what is chosen on the left, and which job the button has just started.
    take({ of = "", job = "" }) {
      if (of !== this.of) {
        this.of = of;
        this.shown = this.job = "";
        this.evaluations = [];
        this.checkpoint = null;
        this.data = null;
        this.stale = true;
        this.asked += 1;
        this.empty.textContent = of ? "Reading." : "Nothing to measure yet. Train a run on the Train tab, or generate a synthetic set on the Export tab; then measure it here.";
        this.head();
        this.draw();
      }
      if (job) this.follow(job);
      this.look.now();
    }

    async tick() {
      if (this.stale && this.of) {
        this.stale = false;
        await this.read();
      }
      if (this.job) await this.progress();
      // Right after the first start the engine has not yet said what the metrics are called.
      else if (this.shown && this.data && !this.data.described && (this.tries += 1) < MOST_TRIES) await this.load(this.shown);
    }

    async read() {
      const of = this.of;
      let answer;
      try {
        answer = await lab.get(`/lab/evaluations?of=${encodeURIComponent(of.split("/")[1])}`);
      } catch {
        this.stale = true; // the strip says that the app is away
        return;
      }
      if (of !== this.of) return;
      this.evaluations = answer.evaluations;
      const known = this.evaluations.some((one) => one.id === this.shown);
      if (answer.job && !this.job && !this.shown) this.follow(answer.job);
      else if (!this.job && !known) await this.load(this.evaluations.length ? this.evaluations[0].id : "");
      this.head();
    }

    follow(job) {
      if (job === this.job) return;
      this.asked += 1;
      this.job = job;
      this.shown = "";
      this.state = { state: "queued", progress: 0, message: "" };
      this.checkpoint = null;
      this.data = { ...NOTHING, live: true, of_run: this.of.startsWith("runs/"), synthetic: this.of.split("/")[1] };
      this.count = 0;
      this.head();
      this.draw();
    }

    // How the measurement at work stands, and its new rows.
    async progress() {
      const job = this.job;
      let answer;
      try {
        answer = await lab.get(`/lab/measuring/${encodeURIComponent(job)}?since=${this.count}`);
      } catch (error) {
        if (error.status === 404 && job === this.job) this.ended("The measurement was cancelled.");
        return;
      }
      if (job !== this.job) return;
      this.state = answer;
      if (answer.rows.length) {
        this.count = answer.count;
        this.data = { ...this.data, rows: [...this.data.rows, ...answer.rows], best: answer.best };
      }
      this.head();
      this.draw();
      if (LIVE.has(answer.state)) return;
      if (answer.evaluation) {
        this.job = "";
        await this.load(answer.evaluation);
        this.stale = true;
      } else this.ended(answer.error ? said(answer.error) : `The measurement was ${answer.state}.`);
    }

    // It came to nothing: what was measured before comes back, and the reason stays.
    ended(words) {
      this.job = "";
      this.data = null;
      this.trouble = words;
      this.stale = true;
      lab.toast(words, "error");
      this.head();
      this.draw();
      this.look.now();
    }

    async load(id) {
      const asked = (this.asked += 1);
      if (!id) {
        this.shown = "";
        this.data = null;
        this.empty.textContent = [this.trouble, "Nothing measured yet. Choose real images and metrics in the middle, then press Measure."].filter(Boolean).join(" ");
        return this.draw();
      }
      try {
        const data = await lab.get(`/lab/evaluation/${encodeURIComponent(id)}`);
        if (asked !== this.asked) return undefined;
        this.shown = id;
        this.trouble = "";
        this.data = data;
        const seen = data.rows.map((row) => row.images_seen).filter(Number.isFinite);
        if (!seen.includes(this.checkpoint)) this.checkpoint = seen.length ? Math.max(...seen) : null;
      } catch (error) {
        if (asked !== this.asked) return undefined;
        this.data = null;
        this.empty.textContent = said(error);
      }
      this.head();
      return this.draw();
    }

    pick(value) {
      if (value.startsWith("job:")) return this.follow(value.slice(4));
      this.job = "";
      return this.load(value);
    }

    head() {
      this.line.show({ of: this.of, evaluations: this.evaluations || [], shown: this.shown, job: this.job, state: this.state, files: (this.data && this.data.files) || [] });
    }

    // One that waits is taken from the queue, one at work is discarded; it may have begun a moment ago.
    async stop() {
      const ask = (verb) => lab.post(`/lab/jobs/${encodeURIComponent(this.job)}/${verb}`);
      try {
        if (this.state.state === "queued") await ask("remove").catch(() => ask("discard"));
        else await ask("discard");
        this.look.now();
      } catch (error) {
        lab.toast(said(error), "error");
      }
    }

    // For the views

    see(images) {
      this.checkpoint = images;
      this.views.forget(ALONE);
      this.draw();
    }

    // A picture of the evaluation on show; the time it was measured keeps an id that is used again apart.
    address(kind, index, nearest, side) {
      const more = new URLSearchParams({ v: this.data.created });
      if (nearest !== undefined && nearest !== null) more.set("nearest", nearest);
      if (side) more.set("side", side);
      return `/lab/evaluation/${encodeURIComponent(this.shown)}/picture/${kind}/${index}?${more}`;
    }

    async column(name) {
      return lab.get(`/lab/evaluation/${encodeURIComponent(this.shown)}/column/${encodeURIComponent(name)}`);
    }
  }

  function mount(element, props, watch) {
    const root = lab.feed.claim(element, "measured", "What was measured");
    if (!root) return;
    root.measured = new Measured(root);
    const take = () => root.measured.take(JSON.parse(props.value || "null") || {});
    watch("value", take);
    take();
  }

  lab.measured = { mount };
})();
