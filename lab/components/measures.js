// Features and metrics to tick: the light ones for a whole training, all for one set; what lacks its weights says which.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const WAITING = "Asking the engine what it can do. The first start takes some seconds.";
  let count = 0;

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  // The reason why something cannot be chosen, shown when it is asked for.
  function why(missing) {
    const text = make("p", { class: "lab-measures-why", hidden: true }, missing);
    const button = make("button", { type: "button", class: "lab-measures-missing", "aria-expanded": "false", title: missing }, "needs a file");
    button.addEventListener("click", () => {
      text.hidden = !text.hidden;
      button.setAttribute("aria-expanded", String(!text.hidden));
    });
    return [button, text];
  }

  function row(kind, group, item, changed) {
    const box = make("input", { type: kind, name: group, value: item.name, disabled: Boolean(item.missing) });
    box.addEventListener("change", () => changed(item.name, box.checked));
    const about = make("span", { class: "info-text" }, ...item.help.map((text) => make("span", {}, text)));
    const label = make("label", { class: "lab-helped" }, box, make("span", { class: "label-text" }, item.title), about);
    const [button, text] = item.missing ? why(item.missing) : [];
    return { item, box, node: make("li", { "data-name": item.name, "data-missing": Boolean(item.missing) }, label, button, text) };
  }

  class Measures {
    constructor(root, props) {
      this.root = root;
      this.props = props;
      this.name = `lab-measures-${(count += 1)}`;
      this.told = ""; // what this part itself wrote into its value
      this.ticked = null; // the user's own choice, null while the suggestion stands
      this.extractor = "";
      this.rows = [];
      this.features = [];
    }

    show() {
      if (this.props.value === this.told) return;
      const value = JSON.parse(this.props.value || "null") || {};
      const { groups = [], extractors = [], mode = "full" } = value;
      this.mode = mode;
      const drawn = JSON.stringify([groups, extractors]);
      if (drawn !== this.drawn) this.build(extractors, groups);
      this.drawn = drawn;
      this.tell();
    }

    build(extractors, groups) {
      this.features = extractors.map((item) => row("radio", this.name, item, (name) => {
        this.extractor = name;
        this.tell();
      }));
      const sections = groups.map((group) => ({ group, rows: group.metrics.map((item) => row("checkbox", "", item, () => this.tick())) }));
      this.rows = sections.flatMap(({ group, rows }) => rows.map((one) => ({ ...one, group: group.title })));
      if (!this.rows.length) return this.root.replaceChildren(make("p", {}, WAITING));
      const section = (title, help, rows, role) => make("div", { role: role, "aria-label": title },
        make("h4", { title: help }, title), make("ul", {}, ...rows.map((one) => one.node)));
      this.number = make("span", { role: "status" });
      this.root.replaceChildren(
        section("Features", "What describes an image, for the metrics that leave the choice open.", this.features, "radiogroup"),
        make("h3", {}, "Metrics ", this.number),
        ...sections.map(({ group, rows }) => section(group.title, group.help, rows, "group")));
      return undefined;
    }

    tick() {
      this.ticked = new Set(this.rows.filter(({ box }) => box.checked).map(({ item }) => item.name));
      this.tell();
    }

    // What stands ticked, from the user's choice or the suggestion; and the same as the part's value, for the button.
    tell() {
      const free = this.features.filter(({ item }) => !item.missing).map(({ item }) => item.name);
      if (!free.includes(this.extractor)) this.extractor = free[0] || "";
      for (const { item, box } of this.features) box.checked = item.name === this.extractor;
      const suggested = (one) => one.group === "Light" || (this.mode === "full" && one.group === "Full");
      for (const one of this.rows) one.box.checked = !one.item.missing && (this.ticked ? this.ticked.has(one.item.name) : suggested(one));
      const ticked = this.rows.filter(({ box }) => box.checked).map(({ item }) => item.name);
      if (this.number) this.number.textContent = `${ticked.length} of ${this.rows.length}`;
      const value = JSON.parse(this.props.value || "null") || {};
      this.told = JSON.stringify({ ...value, ticked, extractor: this.extractor });
      if (this.props.value !== this.told) this.props.value = this.told;
    }
  }

  // The part's value for another choice of what to measure, with the suggestion that goes with it.
  function forChoice(listed, wish, value) {
    const chosen = (JSON.parse(listed || "null") || {}).chosen || "";
    return JSON.stringify({ ...JSON.parse(value || "null"), mode: chosen.startsWith("runs/") && wish === "all" ? "light" : "full" });
  }

  function mount(element, props, watch) {
    const root = lab.feed.claim(element, "measures", "Features and metrics");
    if (!root) return;
    root.measures = new Measures(root, props);
    root.replaceChildren(make("p", {}, WAITING));
    watch("value", () => root.measures.show());
    root.measures.show();
  }

  lab.measures = { mount, forChoice };
})();
