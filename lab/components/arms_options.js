// The options of one classifier in a comparison's form, opened in place below its line: what differs from its preset is
// marked, counted on the closed line, and put back with one click.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const make = (tag, about, ...children) => lab.el(tag, about, children);

  // Why a value cannot be used, in the words of lab/forms.py; "" if it can.
  function problem(setting, value) {
    if (setting.kind === "switch") return typeof value === "boolean" ? "" : "Switch it on or off.";
    if (setting.kind === "choice") return setting.choices.some(([one]) => one === value) ? "" : "Choose one of the list.";
    if (value === "" || value === null) return setting.optional ? "" : "Give a value.";
    if (setting.kind === "text") return "";
    if (!Number.isFinite(value)) return "Give a number.";
    if (setting.kind === "integer" && !Number.isInteger(value)) return "Give a whole number.";
    const { low, high } = setting;
    const beneath = low !== null && (setting.low_open ? value <= low : value < low);
    const beyond = high !== null && (setting.high_open ? value >= high : value > high);
    return beneath || beyond ? `It must be ${setting.bounds}.` : "";
  }

  // A small number field in a row: its words and, where it cannot be used, why. `take` is told what was typed.
  function number(about, words, value, take) {
    const field = make("input", { type: "number", min: about.low, max: about.high, step: about.kind === "integer" ? 1 : "any", "aria-label": words, title: about.help });
    field.addEventListener("input", () => take(field.value === "" ? "" : Number(field.value)));
    const bad = make("p", { class: "lab-options-bad", role: "alert", hidden: true });
    const refresh = () => {
      const why = problem(about, value());
      if (document.activeElement !== field) field.value = value();
      field.setAttribute("aria-invalid", String(Boolean(why)));
      bad.textContent = why && `${about.title}: ${why}`;
      bad.hidden = !why;
    };
    return { node: make("div", {}, make("label", { class: "lab-arms-number" }, field, words), bad), field, refresh };
  }

  class Options {
    // `values()` are those that were set, by option, for reading and writing; `preset()` is the name of the chosen one;
    // `changed()` is told of it.
    constructor(one, settings, about) {
      Object.assign(this, { one, settings, ...about });
      const { title } = one;
      this.button = make("button", { type: "button", class: "lab-options-open", "aria-expanded": "false" });
      this.button.addEventListener("click", () => this.open(this.panel.hidden));
      this.all = make("button", { type: "button", class: "lab-options-reset" });
      this.all.addEventListener("click", () => {
        this.reset(this.settings);
        this.button.focus();
      });
      this.rows = settings.map((setting) => this.row(setting));
      const basic = this.rows.filter(({ setting }) => setting.basic).map(({ node }) => node);
      const rest = this.rows.filter(({ setting }) => !setting.basic);
      this.more = make("summary", {});
      this.folded = make("details", { hidden: !rest.length }, this.more, ...rest.map(({ node }) => node));
      this.panel = make("div", { class: "lab-options", role: "group", "aria-label": `Settings of ${title}`, hidden: true }, ...basic, this.folded, this.all);
    }

    open(on) {
      this.panel.hidden = !on;
      this.button.setAttribute("aria-expanded", String(on));
    }

    // Open where `before` was, which stood here until the lists were drawn anew.
    like(before) {
      this.open(Boolean(before) && !before.panel.hidden);
      this.folded.open = Boolean(before) && before.folded.open;
    }

    reset(settings) {
      for (const { name } of settings) delete this.values()[name];
      this.changed();
    }

    // One option: its name, its control, the way back, and why it cannot be used.
    row(setting) {
      const words = setting.unit && !setting.title.includes(setting.unit) ? `${setting.title} (${setting.unit})` : setting.title;
      const control = this.control(setting);
      const help = make("span", { class: "info-text" }, ...setting.help.map((text) => make("span", {}, text)));
      control.setAttribute("aria-description", setting.help.join(" "));
      const back = make("button", { type: "button", class: "lab-options-back" }, "↺");
      back.addEventListener("click", () => {
        this.reset([setting]);
        control.focus(); // the button is gone now
      });
      const bad = make("p", { class: "lab-options-bad", role: "alert", hidden: true });
      const label = make("label", {}, make("span", { class: "label-text" }, words), control, help);
      return { setting, control, back, bad, node: make("div", { class: "lab-option lab-helped", "data-option": setting.name }, label, back, bad) };
    }

    control(setting) {
      if (setting.kind === "switch") {
        const box = make("input", { type: "checkbox" });
        box.addEventListener("change", () => this.take(setting, box.checked));
        return box;
      }
      if (setting.kind === "choice") {
        const list = make("select", {}, ...setting.choices.map(([, words], place) => make("option", { value: place }, words)));
        list.addEventListener("change", () => this.take(setting, setting.choices[Number(list.value)][0]));
        return list;
      }
      const number = setting.kind !== "text";
      const field = make("input", { type: number ? "number" : "text", step: setting.kind === "integer" ? 1 : "any", maxlength: number ? null : 200 });
      field.addEventListener("input", () => {
        const typed = field.validity.badInput ? "?" : field.value;
        this.take(setting, typed === "" && setting.optional ? null : number && typed !== "" ? Number(typed) : typed);
      });
      return field;
    }

    // What an option is without anybody's doing; undefined for features that are ticked below and not by a preset.
    base({ name, default: standard }) {
      const { changes = {} } = this.one.presets.find((preset) => preset.name === this.preset()) || {};
      return name in changes ? changes[name] : name === "on" ? undefined : standard;
    }

    take(setting, value) {
      if (value === this.base(setting)) delete this.values()[setting.name];
      else this.values()[setting.name] = Number.isNaN(value) ? "" : value;
      this.changed();
    }

    // What of these values can be used.
    usable(values) {
      return Object.fromEntries(this.settings.filter(({ name }) => name in values).filter((one) => one.kind !== "text" && !problem(one, values[one.name]))
        .map(({ name }) => [name, values[name]]));
    }

    state({ setting }) {
      const base = this.base(setting);
      const own = this.values()[setting.name];
      const value = own === undefined ? base : own;
      const there = base !== undefined;
      return { base, value, there, changed: there && value !== base, wrong: there && value !== base ? problem(setting, value) : "" };
    }

    // The controls, marks and counts as the values are.
    refresh(on) {
      let changed = 0;
      let wrong = 0;
      let deeper = 0;
      for (const row of this.rows) {
        const { setting, control, back, bad, node } = row;
        const now = this.state(row);
        changed += now.changed;
        wrong += Boolean(now.wrong);
        deeper += now.changed && !setting.basic;
        node.hidden = !now.there;
        node.toggleAttribute("data-changed", now.changed);
        if (setting.kind === "switch") control.checked = now.value === true;
        else if (setting.kind === "choice") control.value = String(setting.choices.findIndex(([one]) => one === now.value));
        else if (document.activeElement !== control) control.value = now.value ?? "";
        control.setAttribute("aria-invalid", String(Boolean(now.wrong)));
        const words = setting.kind === "switch" ? (now.base ? "on" : "off") : (setting.choices.find(([one]) => one === now.base) || [0, now.base ?? "automatic"])[1];
        back.title = `Back to ${words}`;
        back.setAttribute("aria-label", `${setting.title}: back to ${words}`);
        back.toggleAttribute("data-idle", !now.changed);
        bad.textContent = now.wrong;
        bad.hidden = !now.wrong;
      }
      const count = changed ? `${changed} changed` : "Settings";
      this.button.hidden = !on;
      this.button.textContent = wrong ? `${wrong} to correct` : count;
      this.button.toggleAttribute("data-changed", changed > 0);
      this.button.toggleAttribute("data-wrong", wrong > 0);
      this.button.setAttribute("aria-label", `Settings of ${this.one.title}${changed ? `: ${this.button.textContent}` : ""}`);
      this.more.textContent = deeper ? `More · ${deeper} changed` : "More";
      this.all.hidden = !changed;
      this.all.textContent = changed > 1 ? `Reset all ${changed}` : "Reset";
      if (!on && !this.panel.hidden) this.open(false);
    }

    // Opens on the first value that cannot be used; false if all can.
    reveal() {
      const row = this.rows.find((one) => this.state(one).wrong);
      if (!row) return false;
      this.open(true);
      if (!row.setting.basic) this.folded.open = true;
      row.control.focus();
      row.node.scrollIntoView({ block: "nearest" });
      return true;
    }
  }

  lab.armsOptions = { Options, number, problem };
})();
