// Two to four marked runs side by side, in the place of the one that is chosen: settings, curves and sample sheets.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Compare {
    constructor(root) {
      this.root = root;
      this.entries = new Map(); // run -> {run, letter, token, name, state, store, stop}
      this.parts = null; // table, chart and sheets, only while the comparison is on show
      this.answer = null;
      const state = (event) => {
        if (!this.root.isConnected) return document.removeEventListener("lab:state", state);
        if (!this.parts || !lab.visible(this.root) || event.detail.pulse === this.pulse) return;
        this.pulse = event.detail.pulse;
        this.read();
      };
      document.addEventListener("lab:state", state);
      lab.compared.onChange(root, () => this.marked());
    }

    list() {
      return [...this.entries.values()].sort((one, other) => (one.letter < other.letter ? -1 : 1));
    }

    marked() {
      const open = lab.compared.isOpen();
      document.documentElement.toggleAttribute("data-comparing", open);
      const marks = open ? lab.compared.list() : [];
      const before = this.list().map((entry) => entry.letter + entry.run).join();
      for (const [run, entry] of this.entries) {
        if (marks.some((mark) => mark.run === run && mark.letter === entry.letter)) continue;
        entry.stop();
        this.entries.delete(run);
      }
      if (open && !this.parts) this.build();
      if (!open && this.parts) this.takeDown();
      for (const mark of marks) if (!this.entries.has(mark.run)) this.follow(mark);
      if (!open || before === this.list().map((entry) => entry.letter + entry.run).join()) return;
      this.answer = null;
      this.show();
      this.read();
    }

    build() {
      const [table, chart, sheets] = ["settings", "losses", "sheets"].map((name) => make("div", { class: `lab-compare-${name}` }));
      chart.classList.add("lab-chart-box");
      this.root.append(table, chart, sheets);
      this.parts = { table: new lab.compareTable.CompareTable(table) };
      this.parts.chart = new lab.compareChart.CompareChart(chart, (images) => this.parts.sheets.point(images));
      this.parts.sheets = new lab.compareSheets.CompareSheets(sheets, (images) => {
        this.parts.chart.cursor = images;
        this.parts.chart.drawOver();
      });
    }

    takeDown() {
      this.parts = null;
      this.root.replaceChildren();
    }

    follow(mark) {
      const entry = { ...mark, name: mark.run, state: "", store: null, stop: () => {} };
      this.entries.set(mark.run, entry);
      entry.stop = lab.feed.follow(mark.run, this.root, (store, news) => {
        entry.store = store;
        if (this.parts) this.update(entry, news);
      });
    }

    update(entry, news) {
      this.parts.table.live(entry);
      this.parts.chart.update();
      if (news.state || news.done || news.error) this.read();
      if (news.sample || !this.parts.sheets.places.length || entry.store.trouble) this.parts.sheets.update();
    }

    // Where the runs differ, their names and their states: when the marks change, and when any job does.
    async read() {
      const runs = this.list().map((entry) => entry.run);
      let trouble = "";
      let answer = null;
      try {
        answer = await lab.get(`/lab/compare?runs=${runs.map(encodeURIComponent).join(",")}`);
      } catch (error) {
        trouble = [error.words, error.advice].filter(Boolean).join(" ");
      }
      if (!this.parts || this.list().map((entry) => entry.run).join() !== runs.join()) return;
      if (answer) this.named(answer.runs);
      const told = JSON.stringify([answer, trouble]);
      if (told === this.told && this.answer) return;
      this.told = told;
      this.answer = answer;
      this.show(trouble);
    }

    // Runs of one title get the time at which they began besides.
    named(lines) {
      const titles = lines.map((line) => line.title || line.id);
      lines.forEach((line, i) => {
        const entry = this.entries.get(line.id);
        const twin = titles.some((title, other) => other !== i && title === titles[i]);
        entry.name = twin ? `${titles[i]} · ${lab.runs.day(line.created)}` : titles[i];
        entry.state = line.state;
      });
    }

    show(trouble = "") {
      const entries = this.list();
      this.parts.table.show(entries, this.answer, trouble);
      this.parts.chart.show(entries);
      this.parts.sheets.show(entries);
    }
  }

  function mount(element) {
    const root = lab.feed.claim(element, "compare", "Comparison of runs");
    if (!root) return;
    root.compare = new Compare(root);
  }

  lab.compare = { mount };
})();
