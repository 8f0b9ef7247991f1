// What a catalogue is made of: a chart for each column that differs. A click on a bar keeps those images only; the
// filter carries into scores, grid and the next image set.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const NAMES = { label: "class", assessment: "BI-RADS", burned_in: "burned-in text" };

  const base = ({ kind, id }) => `/lab/${kind === "catalogues" ? "catalogue" : "image_set"}/${encodeURIComponent(id)}`;

  class Overview {
    constructor(root) {
      const { el } = lab;
      this.root = root;
      this.desk = lab.curation;
      this.shown = ""; // the thing whose charts are drawn
      this.facts = el("p", { class: "lab-overview-facts" });
      this.chips = el("div", { class: "lab-overview-chips", role: "status", "aria-label": "Filter" });
      this.charts = el("div", { class: "lab-overview-charts" });
      this.problem = el("p", { class: "lab-overview-problem", role: "status" });
      root.classList.add("lab-overview");
      root.append(this.chips, this.facts, this.problem, this.charts);
    }

    get state() {
      return this.desk.state;
    }

    async read() {
      const { selected } = this.state;
      const key = `${selected.kind}/${selected.id}`;
      if (!selected.id || key === this.shown) return;
      this.shown = key;
      try {
        const found = await lab.get(`${base(selected)}/overview`);
        if (key === this.shown) this.show(found);
        this.problem.textContent = "";
      } catch (error) {
        this.charts.replaceChildren();
        this.problem.textContent = error.words || error.message;
        this.shown = "";
      }
    }

    show(found) {
      const facts = [`${found.items.toLocaleString("en")} images`];
      if (found.patients) facts.push(`${found.patients.toLocaleString("en")} patients`);
      facts.push(...found.facts.map((fact) => `${fact.title}: ${fact.value}`));
      this.facts.textContent = facts.join(" · ");
      this.charts.replaceChildren(...found.charts.map((chart) => this.chart(chart, found.items)));
      this.mark();
    }

    chart(chart, items) {
      const { el } = lab;
      const most = Math.max(...chart.bars.map((bar) => bar.count), 1);
      const rows = chart.bars.map((bar) => {
        const share = el("i", {});
        share.style.width = `${((100 * bar.count) / most).toFixed(1)}%`;
        const percent = chart.column ? ` (${((100 * bar.count) / items).toFixed(1)} %)` : "";
        const parts = [el("span", { text: bar.text }), el("em", {}, [share]), el("b", { text: bar.count.toLocaleString("en") })];
        if (!chart.column) return el("li", {}, [el("div", { class: "lab-overview-row", title: `${bar.text}: ${bar.count}` }, parts)]);
        const about = {
          type: "button", class: "lab-overview-row", "aria-pressed": "false", "data-column": chart.column, "data-value": bar.value,
          title: `${bar.text}: ${bar.count.toLocaleString("en")} images${percent}. Press to keep these only; press several to keep any of them.`,
        };
        const button = el("button", about, parts);
        button.addEventListener("click", () => this.toggle(chart.column, bar.value));
        return el("li", {}, [button]);
      });
      const rest = chart.others ? [el("p", { text: `and ${chart.others.toLocaleString("en")} others with ${chart.others_count.toLocaleString("en")}` })] : [];
      return el("section", {}, [el("h3", { text: chart.title }), el("ul", {}, rows), ...rest]);
    }

    toggle(column, value) {
      const where = Object.fromEntries(Object.entries(this.state.where).map(([name, values]) => [name, [...values]]));
      const values = where[column] || [];
      where[column] = values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
      if (!where[column].length) delete where[column];
      this.filter(where);
    }

    async filter(where) {
      this.problem.textContent = await lab.filter.where(where);
    }

    mark() {
      const { where, groups, counts } = this.state;
      for (const button of this.charts.querySelectorAll("[data-column]")) {
        button.setAttribute("aria-pressed", String((where[button.dataset.column] || []).includes(button.dataset.value)));
      }
      const chosen = Object.entries(where);
      const chips = chosen.map(([column, values]) => {
        const text = `${NAMES[column] || column.replace("_", " ")}: ${values.map((value) => value || "not stated").join(" or ")}`;
        const chip = lab.el("button", { type: "button", class: "lab-chip", text: `${text} ×`, title: "Take this filter away" });
        chip.addEventListener("click", () => {
          const { [column]: _, ...rest } = this.state.where;
          this.filter(rest);
        });
        return chip;
      });
      if (groups) {
        const chip = lab.el("button", { type: "button", class: "lab-chip", title: "Take this filter away", text: `groups ${groups.clusters.join(", ")} ×` });
        chip.addEventListener("click", () => lab.filter.groups(null));
        chips.push(chip);
      }
      const words = chips.length
        ? `${counts.all.toLocaleString("en")} images are left by the filter; an image set takes these only.`
        : "All images. Press a bar to keep only the images that it counts.";
      this.chips.replaceChildren(...chips, lab.el("span", { text: words }));
    }
  }

  function mount(element) {
    const root = lab.feed.claim(element, "overview", "What the catalogue is made of");
    if (!root) return;
    const overview = new Overview(root);
    const { desk } = overview;
    desk.on("select", root, () => overview.read());
    desk.on("lists", root, () => overview.read());
    desk.on("counts", root, () => overview.mark());
    desk.on("data", root, () => overview.state.data && lab.filter.again());
    overview.read();
    overview.mark();
  }

  lab.overview = { mount };
})();
