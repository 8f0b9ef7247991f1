// Live losses of the selected run on a canvas whose node is never replaced, so that zoom and hover survive every update.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SERIES = [
    { key: "g", name: "generator", token: "--generator", shown: true, help: "Low: the discriminator takes its images for real." },
    { key: "d", name: "discriminator", token: "--discriminator", shown: true, help: "Near 0: it wins and the generator learns nothing; near 0.69 each: it cannot tell." },
    { key: "real", name: "D on real", token: "--real", shown: false, share: true, help: "Mean output of the discriminator on real images, 0 to 1." },
    { key: "fake", name: "D on synthetic", token: "--synthetic", shown: false, share: true, help: "Mean output of the discriminator on synthetic images, 0 to 1." },
  ];
  const COLUMNS = ["images", "epoch", "g", "d", "real", "fake", "speed"];
  const HEADINGS = ["images_seen", "epoch", "g_loss", "d_loss", "d_real", "d_fake", "images_per_s"];

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Chart extends lab.chartCanvas.ChartCanvas {
    constructor(root) {
      super(root);
      const saved = lab.chartCanvas.preferences().shown;
      this.shown = new Map(SERIES.map((s) => [s.key, saved ? saved.includes(s.key) : s.shown]));
      this.store = null;
      this.stop = () => {};
      for (const series of SERIES) {
        const button = root.querySelector(`[data-series="${series.key}"]`);
        const show = () => button.setAttribute("aria-pressed", String(this.shown.get(series.key)));
        button.addEventListener("click", () => {
          this.shown.set(series.key, !this.shown.get(series.key));
          show();
          lab.chartCanvas.prefer({ shown: SERIES.filter((s) => this.shown.get(s.key)).map((s) => s.key) });
          this.draw();
        });
        show();
      }
      this.more = root.querySelector(".lab-chart-more");
      this.extra = lab.chartCanvas.preferences().extra || ""; // what a method reports of its own, such as cycle_loss
      this.more.addEventListener("change", () => {
        this.extra = this.more.value;
        lab.chartCanvas.prefer({ extra: this.extra });
        this.draw();
      });
      root.querySelector(".lab-chart-csv").addEventListener("click", () => this.download());
      document.addEventListener("lab:cursor", (event) => {
        const { run, images_seen: images, from } = event.detail;
        if (from === "chart" || !this.store || run !== this.store.run || !this.root.isConnected) return;
        this.cursor = images;
        this.drawOver();
      });
    }

    show(run) {
      if (this.store && this.store.run === run) return;
      this.stop();
      this.store = null;
      this.view = null;
      this.cursor = null;
      this.everything = false;
      this.note.textContent = run ? "" : "No run chosen yet.";
      this.stop = lab.feed.follow(run, this.root, (store) => {
        this.store = store;
        this.note.textContent = store.trouble || (store.points.images.length ? "" : "Waiting for the first loss.");
        this.offer();
        this.draw();
      });
      this.draw();
    }

    // The list of a method's own numbers, where it has any; where it has no other losses the first one is shown.
    offer() {
      const points = this.store.points;
      const names = Object.keys(points).filter((key) => !COLUMNS.includes(key)).sort();
      const bare = names.length > 0 && !["g", "d"].some((key) => points[key].some(Number.isFinite));
      const offered = [bare, ...names].join();
      if (offered === this.offered) return;
      this.offered = offered;
      this.more.hidden = !names.length;
      const options = names.map((name) => make("option", { value: name }, name.replaceAll("_", " ")));
      this.more.replaceChildren(...(bare ? [] : [make("option", { value: "" }, "more …")]), ...options);
      this.more.value = names.includes(this.extra) ? this.extra : bare ? names.find((name) => /loss/.test(name)) || names[0] : "";
    }

    // The series on show.
    series() {
      const extra = this.more.value;
      const own = SERIES.filter((series) => this.shown.get(series.key));
      return extra && this.store.points[extra] ? [...own, { key: extra, name: extra.replaceAll("_", " "), token: "--run-b" }] : own;
    }

    columns() {
      return this.store ? [this.store.points.images] : [];
    }

    lines() {
      const points = this.store ? this.store.points : null;
      if (!points || !points.images.length) return [];
      return this.series().map((series) => ({ ...series, ...this.line(points, points[series.key]) }));
    }

    unit() {
      return "loss";
    }

    at(images) {
      return this.store ? this.tick(lab.curve.nearest(this.store.points.images, images)) : "";
    }

    tick(index) {
      const points = this.store.points;
      if (index >= points.images.length) return "";
      const parts = [`${lab.curve.kimg(points.images[index])} kimg`];
      if (Number.isFinite(points.epoch[index])) parts.push(`epoch ${Math.floor(points.epoch[index])}`);
      for (const series of this.series()) parts.push(`${series.name} ${lab.curve.digits(points[series.key][index])}`);
      return parts.join(" · ");
    }

    summary() {
      const last = this.store ? this.store.points.images.length - 1 : -1;
      return last < 0 ? "Losses: nothing yet" : `Losses at ${this.tick(last)}`;
    }

    pointed(images) {
      if (!this.store) return;
      document.dispatchEvent(new CustomEvent("lab:cursor", { detail: { run: this.store.run, images_seen: images, from: "chart" } }));
    }

    download() {
      if (!this.store) return;
      const points = this.store.points;
      const more = Object.keys(points).filter((key) => !COLUMNS.includes(key));
      const rows = points.images.map((_, i) => [...COLUMNS, ...more].map((key) => (Number.isFinite(points[key][i]) ? points[key][i] : "")).join(","));
      const table = new Blob([[[...HEADINGS, ...more].join(","), ...rows, ""].join("\r\n")], { type: "text/csv" });
      const link = make("a", { href: URL.createObjectURL(table), download: `${this.store.run}-losses.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }
  }

  function mount(element) {
    const root = lab.feed.claim(element, "chart", "Losses");
    if (!root) return;
    const legend = SERIES.map((series) => make("button", {
      type: "button", class: "lab-chart-series", "data-series": series.key, title: series.help,
    }, make("i", { style: `background: var(${series.token})` }), series.name));
    legend.push(make("select", { class: "lab-chart-more", hidden: true, "aria-label": "Another number of this method", title: "Numbers that only this method reports" }));
    lab.chartCanvas.frame(root, "Losses", legend, [
      make("button", { type: "button", class: "lab-chart-csv", title: "Save all ticks as a table" }, "CSV")]);
    root.chart = new Chart(root);
    lab.feed.onRun(root, (run) => root.chart.show(run));
    root.chart.draw();
  }

  lab.chart = { mount, SERIES };
})();
