// The form of a comparison: synthetic sets, classifiers with their presets, options and features, training sets; and how
// many trainings that makes.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const WAITING = "Asking the engine what it can do. The first start takes some seconds.";
  let latest = 5; // seeds, as the field beside says
  let trials = null; // tuning trials of the study just chosen, until the field below has them
  const MOST_FOR_ONE = 300; // trainings beyond which the line says so

  let shown = null; // the one on the page
  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const counted = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

  // The reason why something cannot be chosen, shown when it is asked for.
  function why(missing) {
    const text = make("p", { class: "lab-measures-why", hidden: true }, missing);
    const needs = missing.startsWith("The weights");
    const button = make("button", { type: "button", class: "lab-measures-missing", "aria-expanded": "false", title: missing }, needs ? "needs a file" : "why not");
    button.addEventListener("click", () => {
      text.hidden = !text.hidden;
      button.setAttribute("aria-expanded", String(!text.hidden));
    });
    return [button, text];
  }

  class Arms {
    constructor(root, props) {
      this.root = root;
      this.props = props;
      this.told = ""; // what this part itself wrote into its value
      this.value = {};
      this.chosen = null;
      this.refresh = [];
      this.panels = new Map(); // options by classifier
    }

    show() {
      if (this.props.value === this.told) return;
      const given = JSON.parse(this.props.value || "null") || {};
      if (given.groups) this.value = given; // else what this part told, come back
      const { sets = [], groups = [], features = [], protocols = [], classes = [] } = this.value;
      if (!this.chosen && groups.length) this.chosen = lab.armsKept.restored(this.first(), this.value);
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
      lab.armsKept.arms({ ...this.chosen, options: Object.fromEntries(Object.entries(this.chosen.options).map(usable)) });
      this.tell();
    }

    build() {
      this.refresh = [];
      const { sets, groups, features, protocols, studies, classes } = this.value;
      if (!groups || !groups.length) return this.root.replaceChildren(make("p", {}, WAITING));
      // What lacks a file stands below, folded: on a computer without weights that is most of it.
      const folded = (rows) => (rows.length > 1 ? [make("details", { class: "lab-arms-folded" }, make("summary", {}, `${rows.length} more need a file`), make("ul", {}, ...rows))] : rows);
      const list = (title, help, rows) => {
        const lacking = rows.filter((row) => row.querySelector(".lab-measures-missing"));
        const fold = lacking.length > 1 && title !== "Synthetic images" ? lacking : [];
        return make("div", { role: "group", "aria-label": title }, make("h4", { title: help }, title),
          make("ul", {}, ...rows.filter((row) => !fold.includes(row))), ...folded(fold));
      };
      const none = make("p", { class: "lab-arms-none" }, "No synthetic set yet: generate one on the Export tab from a trained run.");
      const classic = list("Features of the classic ones", "Each classic classifier is trained on each of these.", features.map((one) => this.plain(one, "features")));
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
      return { box, node: make("li", { "data-name": name, "data-missing": Boolean(missing) }, label, ...more, ...(missing ? why(missing) : [])) };
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
        box.checked = preset !== undefined && free.some((option) => option.name === preset);
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
      const ticked = new Set(this.chosen ? this.chosen.ticked.map(([name]) => name) : []);
      [...this.panels].some(([name, panel]) => ticked.has(name) && panel.reveal());
    }

    asksFeatures(name, preset) {
      const one = this.value.groups.flatMap((group) => group.classifiers).find((other) => other.name === name);
      const own = one && one.presets.find((other) => other.name === preset);
      return Boolean(one && one.features && !(own && own.on));
    }

    protocol(one) {
      const fields = one.numbers.filter(([name]) => this.value.numbers[name]).map(([name, words]) => {
        const about = this.value.numbers[name];
        const field = make("input", { type: "number", min: about.low, max: about.high, step: about.whole ? 1 : "any", "aria-label": words, title: about.help });
        field.addEventListener("input", () => {
          const number = Number(field.value);
          if (field.value === "" || !Number.isFinite(number)) return;
          this.chosen.numbers[name] = number;
          this.changed();
        });
        this.refresh.push(() => {
          if (document.activeElement !== field) field.value = this.chosen.numbers[name] ?? about.default;
        });
        return make("label", { class: "lab-arms-number" }, field, words);
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

    // One click ticks what a study had.
    study(studies) {
      const list = make("select", { "aria-label": "As in", title: "Tick the classifiers and training sets of a published study" },
        make("option", { value: "" }, "choose a study"), ...studies.map((one) => make("option", { value: one.name }, one.title)));
      list.addEventListener("change", () => {
        const one = studies.find((study) => study.name === list.value);
        if (!one) return;
        trials = one.tune_trials || 0;
        lab.armsKept.alsoForm({ tune_trials: trials });
        const names = new Set(one.classifiers.map((wish) => wish.split(":")[0]));
        this.chosen = {
          ...this.chosen, ticked: one.classifiers.map((wish) => wish.split(":")), protocols: [...one.protocols],
          numbers: { ...this.chosen.numbers, ...one.numbers }, to: one.to ? [one.to] : [],
          options: Object.fromEntries(Object.entries(this.chosen.options).filter(([name]) => !names.has(name))),
        };
        this.changed();
        const lacking = this.value.groups.flatMap((group) => group.classifiers)
          .filter((other) => one.classifiers.includes(`${other.name}:${one.name}`) && other.presets.find((preset) => preset.name === one.name).missing);
        if (lacking.length) lab.toast(`${lacking.map((other) => other.title).join(", ")}: weights are not on this computer. The list says which.`);
        list.value = "";
      });
      return make("label", { class: "lab-arms-to", hidden: !studies.length }, "As in", list);
    }

    // Only sets that can be used beside this real set.
    sets() {
      return this.value.sets.filter((one) => !one.missing && this.chosen.sets.includes(one.name)).map((one) => one.name);
    }

    classifiers() {
      const free = new Set(this.value.features.filter((one) => !one.missing).map((one) => one.name));
      const on = this.chosen.features.filter((name) => free.has(name));
      const known = this.value.groups.flatMap((group) => group.classifiers);
      return this.chosen.ticked.flatMap(([name, preset]) => {
        const one = known.find((other) => other.name === name);
        const lacking = !one || (preset ? (one.presets.find((other) => other.name === preset) || { missing: "gone" }).missing : one.missing);
        if (lacking) return [];
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
      const seeds = Math.max(1, Math.round(Number(latest) || 1));
      const total = classifiers.length * arms * seeds;
      this.line.textContent = classifiers.length
        ? `${counted(classifiers.length, "classifier", "classifiers")} × ${counted(arms, "training set", "training sets")} × ${counted(seeds, "seed", "seeds")} = ${counted(total, "training", "trainings")}${total > MOST_FOR_ONE ? ". That may take long." : ""}`
        : !this.chosen.ticked.length ? "Tick a classifier."
          : this.chosen.ticked.some(([name, preset]) => this.asksFeatures(name, preset)) ? "Tick features for the classic classifiers." : "The ticked classifiers need files that are not on this computer.";
      const to = this.getting().length === this.value.classes.length ? [] : this.getting();
      this.told = JSON.stringify({ chosen: { ...this.chosen, sets, classifiers, protocols, to } });
      if (this.props.value !== this.told) this.props.value = this.told;
    }
  }

  // Another number of seeds: the line counts anew.
  function seeds(number) {
    latest = number;
    if (shown) shown.tell();
  }

  // Tuning trials as the field below shows them, or as the study just chosen has them.
  function tuned(number) {
    const wanted = trials === null ? number : trials;
    trials = null;
    return wanted;
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

  lab.arms = { mount, seeds, tuned };
})();
