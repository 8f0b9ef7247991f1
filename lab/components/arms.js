// The form of a comparison: synthetic sets, classifiers with their presets, options and features, training sets; and how
// many trainings that makes.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const WAITING = "Asking the engine what it can do. The first start takes some seconds.";
  let latest = 5; // seeds, as the field beside says

  let shown = null; // the one on the page
  const make = (tag, about, ...children) => lab.el(tag, about, children);

  class Arms {
    constructor(root, props) {
      this.root = root;
      this.props = props;
      this.told = ""; // what this part itself wrote into its value
      this.value = {};
      this.chosen = null;
      this.since = null; // the study that was chosen, and what was there before it
      this.refresh = [];
      this.panels = new Map(); // options by classifier
    }

    show() {
      if (this.props.value === this.told) return;
      const given = JSON.parse(this.props.value || "null") || {};
      if (given.groups) this.value = given; // else what this part told, come back
      const { sets = [], groups = [], features = [], protocols = [], classes = [] } = this.value;
      if (!this.chosen && groups.length) {
        this.chosen = lab.armsKept.restored(this.first(), this.value);
        this.since = lab.armsKept.since(this.first(), this.value);
      }
      const drawn = JSON.stringify([sets, groups, features, protocols, classes]);
      if (drawn !== this.drawn) this.build();
      this.drawn = drawn;
      this.tell();
    }

    // What stands ticked at first: the engine's defaults, and the newest synthetic set that can be used.
    first() {
      const { start, numbers, sets, features } = this.value;
      const free = new Set(features.filter((one) => !one.missing).map((one) => one.name));
      const wishes = start.classifiers.map((wish) => {
        const [name, on] = wish.split("@");
        return { name: name.split(":")[0], preset: name.split(":")[1] || "", on };
      }).filter(({ on }) => !on || free.has(on));
      return {
        ticked: wishes.map(({ name, preset }) => [name, preset]),
        features: [...new Set(wishes.map(({ on }) => on).filter(Boolean))],
        sets: sets.filter((one) => !one.missing).slice(0, 1).map((one) => one.name),
        protocols: start.protocols.filter((name) => name !== "real"),
        numbers: Object.fromEntries(Object.entries(numbers).map(([name, one]) => [name, one.default])),
        to: [],
        options: {},
      };
    }

    // Somebody changed something: it is kept for a reload, apart from what cannot be used.
    changed() {
      const usable = ([name, values]) => [name, this.panels.has(name) ? this.panels.get(name).usable(values) : values];
      lab.armsKept.arms({ ...this.chosen, options: Object.fromEntries(Object.entries(this.chosen.options).map(usable)) }, this.since);
      this.tell();
    }

    // All as at first; nothing is kept.
    reset() {
      if (!this.chosen) return;
      this.chosen = this.first();
      this.since = null;
      lab.armsKept.forget();
      this.tell();
    }

    build() {
      this.refresh = [];
      this.wrong = [];
      const { sets, groups, features, protocols, studies, classes } = this.value;
      if (!groups || !groups.length) return this.root.replaceChildren(make("p", {}, WAITING));
      // What lacks a file stands below, folded: on a computer without weights that is most of it.
      // It stands open where one of them is ticked, as by a study.
      const folded = (rows) => {
        if (rows.length < 2) return rows;
        const details = make("details", { class: "lab-arms-folded" }, make("summary", {}, `${rows.length} more need a file`), make("ul", {}, ...rows));
        this.refresh.push(() => {
          if (rows.some((row) => row.querySelector("input:checked"))) details.open = true;
        });
        return [details];
      };
      const list = (title, help, rows) => {
        const lacking = rows.filter((row) => row.querySelector(".lab-measures-missing"));
        const fold = lacking.length > 1 && title !== "Synthetic images" ? lacking : [];
        return make("div", { role: "group", "aria-label": title }, make("h4", { title: help }, title),
          make("ul", {}, ...rows.filter((row) => !fold.includes(row))), ...folded(fold));
      };
      const none = make("p", { class: "lab-arms-none" }, "No synthetic set yet: generate one on the Export tab from a trained run.");
      const classic = list("What the light classifiers look at", "Each of them is trained on each of these: the pixels, or features computed from the image.", features.map((one) => this.plain(one, "features")));
      this.refresh.push(() => {
        classic.hidden = !this.chosen.ticked.some(([name, preset]) => this.asksFeatures(name, preset));
      });
      this.line = make("p", { class: "lab-arms-line", role: "status" });
      this.root.replaceChildren(
        this.study(studies || []),
        sets.length ? list("Synthetic images", "Sets to learn from as well.", sets.map((one) => this.plain(one, "sets"))) : make("div", { role: "group", "aria-label": "Synthetic images" }, make("h4", {}, "Synthetic images"), none),
        make("h3", {}, "Classifiers"),
        ...groups.filter((group) => group.classifiers.length).map((group) => list(group.title, group.help, [...group.classifiers].sort((one, other) => Number(Boolean(one.missing)) - Number(Boolean(other.missing))).map((one) => this.classifier(one)))),
        classic,
        list("Training sets", "What each classifier learns from, and is asked about.", protocols.map((one) => this.protocol(one))),
        this.to(classes), this.line);
      return undefined;
    }

    row(name, title, help, missing, ...more) {
      const box = make("input", { type: "checkbox", value: name, disabled: Boolean(missing) });
      const about = make("span", { class: "info-text" }, ...help.filter(Boolean).map((text) => make("span", {}, text)));
      const label = make("label", { class: "lab-helped" }, box, make("span", { class: "label-text" }, title), about);
      return { box, node: make("li", { "data-name": name, "data-missing": Boolean(missing) }, label, ...more, ...(missing ? lab.armsWhy(missing) : [])) };
    }

    plain(one, list) {
      const count = one.text ? make("small", {}, one.text) : null;
      const { box, node } = this.row(one.name, one.title, one.help || [one.title, one.text], one.missing, count);
      box.addEventListener("change", () => {
        this.chosen[list] = this.chosen[list].filter((name) => name !== one.name).concat(box.checked ? [one.name] : []);
        this.changed();
      });
      this.refresh.push(() => {
        box.checked = !one.missing && this.chosen[list].includes(one.name);
      });
      return node;
    }

    // A classifier with its presets (as the engine sets it, or as a study did) and its options.
    classifier(one) {
      const options = [{ name: "", title: "as set here", missing: one.missing, help: "" }, ...one.presets];
      const free = options.filter((option) => !option.missing);
      const list = one.presets.length ? make("select", { "aria-label": `Preset of ${one.title}`, title: "As the engine sets it, or as a study did" },
        ...options.map((option) => make("option", { value: option.name, disabled: Boolean(option.missing), title: option.help }, option.title))) : null;
      const panel = this.options(one);
      const { box, node } = this.row(one.name, one.title, [...one.help, ...one.presets.map((preset) => `${preset.title}: ${preset.help}`)], free.length ? "" : one.missing, list, panel.button, panel.panel);
      const current = () => (this.chosen.ticked.find(([name]) => name === one.name) || [])[1];
      const take = (on, preset) => {
        this.chosen.ticked = this.chosen.ticked.filter(([name]) => name !== one.name).concat(on ? [[one.name, preset]] : []);
        this.changed();
      };
      box.addEventListener("change", () => take(box.checked, list ? list.value : ""));
      if (list) list.addEventListener("change", () => take(true, list.value));
      this.refresh.push(() => {
        const preset = current();
        box.checked = preset !== undefined;
        box.disabled = !box.checked && !free.length; // one that a study ticked can be given up
        panel.refresh(box.checked);
        if (!list) return;
        list.hidden = !box.checked;
        if (box.checked) list.value = preset;
        else if (free.length) list.value = free[0].name;
      });
      return node;
    }

    // Its options: what was set holds for every preset, and for each of the features.
    options(one) {
      const panel = new lab.armsOptions.Options(one, one.options.map((place) => this.value.settings[place]), {
        values: () => (this.chosen.options[one.name] ||= {}),
        preset: () => (this.chosen.ticked.find(([name]) => name === one.name) || [])[1],
        changed: () => this.changed(),
      });
      panel.like(this.panels.get(one.name));
      this.panels.set(one.name, panel);
      return panel;
    }

    // Compare was pressed: the first value that cannot be used is shown.
    reveal() {
      if (!this.chosen) return;
      const { seeds } = this.value;
      if (seeds && lab.armsOptions.problem(seeds, latest)) {
        document.querySelector("#classify-seeds input").focus();
        return;
      }
      const ticked = new Set(this.chosen.ticked.map(([name]) => name));
      if ([...this.panels].some(([name, panel]) => ticked.has(name) && panel.reveal())) return;
      const [first] = this.wrong.map((check) => check()).filter(Boolean);
      if (first) first.field.focus();
    }

    asksFeatures(name, preset) {
      const one = this.value.groups.flatMap((group) => group.classifiers).find((other) => other.name === name);
      const own = one && one.presets.find((other) => other.name === preset);
      return Boolean(one && one.features && !(own && own.on));
    }

    protocol(one) {
      const fields = one.numbers.filter(([name]) => this.value.numbers[name]).map(([name, words]) => {
        const about = this.value.numbers[name];
        const value = () => this.chosen.numbers[name] ?? about.default;
        const { node, field, refresh } = lab.armsOptions.number(about, words, value, (typed) => {
          this.chosen.numbers[name] = typed;
          this.changed();
        });
        this.refresh.push(refresh);
        this.wrong.push(() => {
          const bad = this.takes(one) && lab.armsOptions.problem(about, value());
          return bad ? { words: `${about.title}: ${bad}`, field } : null;
        });
        return node;
      });
      const numbers = make("div", { class: "lab-arms-numbers" }, ...fields);
      const { box, node } = this.row(one.name, one.title, one.help, "", fields.length ? numbers : null);
      box.addEventListener("change", () => {
        this.chosen.protocols = this.chosen.protocols.filter((name) => name !== one.name).concat(box.checked ? [one.name] : []);
        this.changed();
      });
      this.refresh.push(() => {
        const always = one.name === "real";
        const needs = one.synthetic && !this.sets().length;
        box.disabled = always || needs;
        box.checked = always || (!needs && this.chosen.protocols.includes(one.name));
        node.title = needs ? "Tick a synthetic set first." : "";
        node.toggleAttribute("data-missing", needs);
        numbers.hidden = !box.checked;
      });
      return node;
    }

    // Whether a training set is asked for, and can be made.
    takes(one) {
      return one.name === "real" || (this.chosen.protocols.includes(one.name) && (!one.synthetic || this.sets().length > 0));
    }

    // Which classes get synthetic images: those of the chosen ones that this real set has, else all.
    to(classes) {
      const { row, refresh } = lab.armsClasses(classes, () => this.getting(), (to) => {
        this.chosen.to = to;
        this.changed();
      });
      this.refresh.push(() => refresh(this.chosen.protocols.some((name) => ["mixed", "replace", "phases"].includes(name)) && this.sets().length > 0));
      return row;
    }

    getting() {
      const to = this.value.classes.filter((name) => this.chosen.to.includes(name));
      return to.length ? to : this.value.classes;
    }

    study(studies) {
      const { node, refresh } = lab.armsStudy.row(this, studies);
      this.refresh.push(refresh);
      return node;
    }

    // Only sets that can be used beside this real set.
    sets() {
      return this.value.sets.filter((one) => !one.missing && this.chosen.sets.includes(one.name)).map((one) => one.name);
    }

    // Whether a ticked classifier lacks files, or is gone.
    lacks([name, preset]) {
      const one = this.value.groups.flatMap((group) => group.classifiers).find((other) => other.name === name);
      return Boolean(!one || (preset ? (one.presets.find((other) => other.name === preset) || { missing: "gone" }).missing : one.missing));
    }

    classifiers() {
      const free = new Set(this.value.features.filter((one) => !one.missing).map((one) => one.name));
      const on = this.chosen.features.filter((name) => free.has(name));
      return this.chosen.ticked.filter((one) => !this.lacks(one)).flatMap(([name, preset]) => {
        const wish = preset ? `${name}:${preset}` : name;
        return this.asksFeatures(name, preset) ? on.map((feature) => `${wish}@${feature}`) : [wish];
      });
    }

    // What stands chosen, on the page and as the part's value for the button.
    tell() {
      if (!this.chosen || !this.value.groups || !this.value.groups.length) return;
      for (const one of this.refresh) one();
      const sets = this.sets();
      const classifiers = this.classifiers();
      const needs = new Map(this.value.protocols.map((one) => [one.name, one.synthetic]));
      const protocols = this.chosen.protocols.filter((name) => needs.has(name) && (!needs.get(name) || sets.length));
      const arms = 1 + protocols.reduce((sum, name) => sum + (needs.get(name) ? sets.length : 1) * (name === "phases" ? this.chosen.numbers.phases : 1), 0);
      const titles = new Map(this.value.groups.flatMap((group) => group.classifiers).map((one) => [one.name, one.title]));
      this.line.textContent = lab.armsLine({
        classifiers: classifiers.length, arms, seeds: latest, about: this.value.seeds, ticked: this.chosen.ticked.length,
        lacking: this.chosen.ticked.filter((one) => this.lacks(one)).map(([name]) => titles.get(name) || name),
        wrong: this.wrong.map((check) => check()).find(Boolean),
      });
      const to = this.getting().length === this.value.classes.length ? [] : this.getting();
      this.told = JSON.stringify({ chosen: { ...this.chosen, sets, classifiers, protocols, to } });
      if (this.props.value !== this.told) this.props.value = this.told;
    }
  }

  // Another number of seeds or of tuning trials: the line counts anew.
  function numbers(seeds, trials) {
    latest = seeds;
    lab.armsStudy.trialsAre(trials);
    if (shown) shown.tell();
  }

  function reset() {
    if (shown) shown.reset();
  }

  function mount(element, props, watch) {
    const root = lab.feed.claim(element, "arms", "Classifiers and training sets");
    if (!root) return;
    root.classList.add("lab-measures");
    shown = root.arms = new Arms(root, props);
    document.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("#classify-compare")) root.arms.reveal();
    });
    root.replaceChildren(make("p", {}, WAITING));
    watch("value", () => root.arms.show());
    root.arms.show();
  }

  lab.arms = { mount, numbers, reset };
})();
