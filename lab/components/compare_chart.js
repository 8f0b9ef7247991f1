// One loss of all compared runs in one chart, on one axis of images seen.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const OWN = ["images", "epoch", "speed"]; // columns that are no losses

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class CompareChart extends lab.chartCanvas.ChartCanvas {
    // `pointed(images)` is called when a click moves the cursor.
    constructor(root, pointed) {
      const legend = make("span", { class: "lab-compare-legend" });
      const choice = make("select", { class: "lab-compare-choice", "aria-label": "Which loss", title: "Which loss is compared" });
      lab.chartCanvas.frame(root, "Losses", [choice, legend], []);
      super(root);
      this.pointed = pointed;
      this.choice = choice;
      this.legend = legend;
      this.entries = [];
      this.loss = lab.chartCanvas.preferences().compared || "g";
      choice.addEventListener("change", () => {
        this.loss = choice.value;
        lab.chartCanvas.prefer({ compared: this.loss });
        this.everything = false;
        this.update();
      });
    }

    show(entries) {
      this.entries = entries;
      this.legend.replaceChildren(...entries.map((entry) => make("span", { title: `${entry.name} · ${entry.run}` }, lab.compared.chip(entry), make("span", {}, entry.name))));
      this.update();
    }

    update() {
      this.choose();
      const ready = this.stores().some(({ store }) => store.points.images.length);
      this.note.textContent = ready ? "" : "Waiting for the first loss.";
      this.draw();
    }

    // The losses that any of the runs has; a chosen one that none has gives way to the first.
    choose() {
      const has = (key) => this.stores().some(({ store }) => (store.points[key] || []).some(Number.isFinite));
      const known = lab.chart.SERIES.map(({ key, name, share }) => [key, share ? name : `${name} loss`]);
      const keys = new Set(this.stores().flatMap(({ store }) => Object.keys(store.points)));
      const more = [...keys].filter((key) => !OWN.includes(key) && !known.some(([name]) => name === key)).sort();
      const found = [...known, ...more.map((key) => [key, key.replaceAll("_", " ")])].filter(([key]) => has(key));
      if (!found.length) found.push(...known.slice(0, 1));
      const wanted = found.map(([key]) => key).join();
      if (wanted !== this.offered) {
        this.offered = wanted;
        this.choice.replaceChildren(...found.map(([key, name]) => make("option", { value: key }, name)));
      }
      this.key = found.some(([key]) => key === this.loss) ? this.loss : found[0][0];
      if (this.choice.value !== this.key) this.choice.value = this.key;
    }

    stores() {
      return this.entries.filter((entry) => entry.store);
    }

    columns() {
      return this.stores().map(({ store }) => store.points.images);
    }

    lines() {
      return this.stores().filter(({ store }) => store.points.images.length && store.points[this.key])
        .map(({ store, token, letter }) => ({ token, letter, ...this.line(store.points, store.points[this.key]) }));
    }

    unit() {
      return this.choice.selectedOptions.length ? this.choice.selectedOptions[0].textContent : "loss";
    }

    // What the runs say there; one that has not come so far, or did not go so far, says nothing.
    at(images) {
      const said = this.stores().map(({ store, letter }) => {
        const xs = store.points.images;
        const index = lab.curve.nearest(xs, images);
        const values = store.points[this.key];
        return index < xs.length && values && images <= xs[xs.length - 1] * 1.01 ? `${letter} ${lab.curve.digits(values[index])}` : "";
      });
      return [`${lab.curve.kimg(Math.max(0, images))} kimg`, ...said.filter(Boolean)].join(" · ");
    }

    summary() {
      const said = this.stores().filter(({ store }) => store.points.images.length)
        .map(({ store, letter, name }) => `${letter}, ${name}: ${lab.curve.digits((store.points[this.key] || []).at(-1))} at ${lab.curve.kimg(store.points.images.at(-1))} kimg`);
      return said.length ? `${this.unit()} of ${said.join("; ")}` : "Losses: nothing yet";
    }
  }

  lab.compareChart = { CompareChart };
})();
