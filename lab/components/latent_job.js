// Asks the job that draws latent spaces: starts it when it is first needed, and of each view sends only the newest wish.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const GONE = 410; // it ended because nobody had asked for a while
  const REFUSED = 409; // it failed, and says why
  const TRIES = 8;
  const REST_MS = 250;
  const KIND = "latents";

  const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  class LatentJob {
    // `starting(yes)` is told when the job is not there yet, and when its first answer has come.
    constructor(starting) {
      this.starting = starting;
      this.client = Math.random().toString(36).slice(2, 12).padEnd(4, "0");
      this.number = 0;
      this.id = "";
      this.lines = {};
    }

    // The answer with its decoded `picture`; null where a newer wish of the same view took its place. Throws in words.
    ask(view, wish) {
      const line = (this.lines[view] = this.lines[view] || { busy: false, next: null });
      if (line.next) line.next.resolve(null);
      return new Promise((resolve, reject) => {
        line.next = { wish, resolve, reject };
        this.work(view, line);
      });
    }

    async work(view, line) {
      if (line.busy) return;
      line.busy = true;
      while (line.next) {
        const { wish, resolve, reject } = line.next;
        line.next = null;
        await this.answer(view, wish).then(resolve, reject);
      }
      line.busy = false;
    }

    async answer(view, wish) {
      for (let left = TRIES; ; left -= 1) {
        try {
          const id = await this.job();
          const said = await this.draw(id, view, wish);
          this.starting(false);
          return said;
        } catch (error) {
          if (error.status === REFUSED && this.id) lab.post(`/lab/jobs/${encodeURIComponent(this.id)}/discard`).catch(() => {});
          if (error.status === REFUSED || error.status === GONE) this.id = "";
          if (error.status !== GONE || !left) {
            this.starting(false);
            throw error;
          }
          await rest(REST_MS);
        }
      }
    }

    // All pages share one job: the same key gives the same one while it lives.
    async job() {
      if (!this.id) {
        this.starting(true);
        this.id = (await lab.post("/lab/jobs", { kind: KIND, title: "Latent space", parameters: {}, client_key: KIND })).id;
      }
      return this.id;
    }

    async draw(id, view, wish) {
      const number = (this.number += 1);
      const address = `/lab/latents/${encodeURIComponent(id)}`;
      await lab.post(address, { ...wish, client: this.client, view, number });
      let said;
      do said = await lab.get(`${address}/${this.client}/${view}?number=${number}`); while (said.pending);
      if (said.error) throw Object.assign(new Error(said.error.what), said.error);
      const picture = new Image();
      picture.src = lab.jobPicture(id, `latents/${said.picture}`);
      await picture.decode();
      return { ...said, picture };
    }
  }

  lab.LatentJob = LatentJob;
})();
