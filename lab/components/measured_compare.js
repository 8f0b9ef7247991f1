// Compare: two to four measurements side by side, metric by metric; the best is marked only where intervals lie apart.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  const FEWEST = 2;
  const MOST = 4; // as in lab/evaluation_compare.py

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const named = (one) => `${one.synthetic} · ${lab.runs.day(one.created)}`;

  class Compare {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.ticked = []; // ids, in the order in which they were ticked
      this.list = make("ul", { class: "lab-versus-list", "aria-label": "Measurements to compare" });
      this.words = make("p", { class: "lab-versus-words", role: "status" });
      this.table = make("table", { class: "lab-versus-table", "aria-label": "Measurements side by side" });
      root.append(this.list, this.words, this.table);
    }

    // What is on show is ticked first: the others are compared with it.
    async show(data) {
      const { shown } = this.hub;
      this.table.replaceChildren();
      let found;
      try {
        found = await lab.get("/lab/evaluations/all");
      } catch (error) {
        this.words.textContent = [error.words, error.advice].filter(Boolean).join(" ");
        return;
      }
      if (data !== this.hub.data) return;
      this.known = found.evaluations;
      this.ticked = this.ticked.filter((id) => this.known.some((one) => one.id === id));
      if (shown && !this.ticked.includes(shown)) this.ticked = [shown, ...this.ticked].slice(0, MOST);
      this.list.replaceChildren(...this.known.map((one) => {
        const box = make("input", { type: "checkbox", value: one.id });
        box.addEventListener("change", () => this.tick(one.id, box.checked));
        const about = [`against ${one.real}`, one.held_out && "held-out", one.extractor, one.checkpoints > 1 && "newest checkpoint"].filter(Boolean).join(" · ");
        return make("li", {}, make("label", { title: about }, box, make("span", {}, named(one)), make("small", {}, about)));
      }));
      this.mark();
      await this.read();
    }

    tick(id, on) {
      this.ticked = on ? [...this.ticked, id] : this.ticked.filter((other) => other !== id);
      this.mark();
      this.read();
    }

    mark() {
      for (const box of this.list.querySelectorAll("input")) {
        box.checked = this.ticked.includes(box.value);
        box.disabled = !box.checked && this.ticked.length >= MOST;
      }
    }

    async read() {
      const ids = this.ticked.join();
      this.of = ids;
      if (this.ticked.length < FEWEST) {
        this.table.replaceChildren();
        this.words.textContent = this.known.length < FEWEST ? "There is one measurement only. Measure another run or set, then compare here." : "Tick two to four measurements.";
        return;
      }
      let found;
      try {
        found = await lab.get(`/lab/evaluations/compared?ids=${this.ticked.map(encodeURIComponent).join()}`);
      } catch (error) {
        if (ids !== this.of) return;
        this.table.replaceChildren();
        this.words.textContent = [error.words, error.advice].filter(Boolean).join(" ");
        return;
      }
      if (ids !== this.of) return;
      this.words.textContent = found.lines.length ? "● marks the best, where its 95 % interval overlaps no other one; a dash where that metric was not measured." : "These measurements have no metric in common.";
      this.draw(found);
    }

    draw({ measurements, lines }) {
      const head = make("tr", {}, make("th", { scope: "col" }, "Metric"), ...measurements.map((one) => make("th", { scope: "col", title: `against ${one.real}` }, named(one))), make("th", { scope: "col" }, "Real against real"));
      const rows = lines.map((line) => {
        const cells = line.cells.map((cell, place) => {
          const text = cell ? `${cell.text}${line.unit ? ` ${line.unit}` : ""}` : "–";
          const best = line.best === place;
          return make("td", { "data-best": best }, best ? make("b", { "aria-label": "the best" }, "● ") : "", text);
        });
        const first = line.cells.find(Boolean);
        const name = make("th", { scope: "row" }, line.title, line.note ? make("small", {}, line.note) : "");
        return make("tr", { "data-name": line.name }, name, ...cells, make("td", { class: "real" }, first ? first.baseline_text : "–"));
      });
      this.table.replaceChildren(...(lines.length ? [make("thead", {}, head), make("tbody", {}, ...rows)] : []));
    }
  }

  lab.measuredViews.compare = Compare;
})();
