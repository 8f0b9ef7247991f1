// Views behind a row of tabs: one is on show, this browser tab remembers which, and arrow keys go from one to the next.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const make = (tag, about, ...children) => lab.el(tag, about, children);

  // `of` names classes and ids, such as "measured" for .lab-measured-view; `rows` are [name, title, help]; `kinds` has the
  // class of each view, made with (panel, tools, hub). `opened` is called when another one is asked for.
  class Views {
    constructor({ of, rows, kinds, hub, remembered, opened }) {
      this.remembered = remembered;
      this.opened = opened;
      const there = rows.filter(([name]) => kinds[name]);
      this.tabs = there.map(([name, title, help]) => {
        const tab = make("button", { type: "button", role: "tab", id: `lab-${of}-tab-${name}`, "data-view": name, "aria-controls": `lab-${of}-${name}`, title: help }, title);
        tab.addEventListener("click", () => this.open(name));
        return tab;
      });
      this.list = make("div", { class: `lab-${of}-tabs`, role: "tablist", "aria-label": "Views" }, ...this.tabs);
      this.list.addEventListener("keydown", (event) => this.key(event));
      this.all = {};
      for (const [name] of there) {
        const tools = make("div", { class: `lab-${of}-tools`, "data-tools": name });
        const panel = make("div", { class: `lab-${of}-view lab-view-${name}`, role: "tabpanel", id: `lab-${of}-${name}`, "aria-labelledby": `lab-${of}-tab-${name}`, tabindex: 0 });
        this.all[name] = { panel, tools, view: new kinds[name](panel, tools, hub), drawn: null };
      }
      this.panels = Object.values(this.all).map(({ panel }) => panel);
      this.bar = make("div", { class: `lab-${of}-bar` }, this.list, ...Object.values(this.all).map(({ tools }) => tools));
      try {
        this.current = sessionStorage.getItem(remembered);
      } catch { /* the first one */ }
      if (!this.all[this.current]) this.current = there[0][0];
    }

    key(event) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const tabs = this.tabs.filter((tab) => !tab.hidden);
      const at = tabs.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      const next = tabs[(at + step + tabs.length) % tabs.length];
      this.open(next.dataset.view);
      next.focus();
    }

    open(name) {
      this.current = name;
      try {
        sessionStorage.setItem(this.remembered, name);
      } catch { /* the choice lasts as long as the page */ }
      this.opened();
    }

    // Show one view, or none with `any` false; only the tabs that fit are there.
    show(name, any, fits = () => true) {
      for (const tab of this.tabs) {
        tab.hidden = !fits(tab.dataset.view);
        tab.setAttribute("aria-selected", String(tab.dataset.view === name));
        tab.setAttribute("tabindex", tab.dataset.view === name ? "0" : "-1");
      }
      for (const [each, { panel, tools }] of Object.entries(this.all)) {
        panel.hidden = !any || each !== name;
        tools.hidden = panel.hidden;
      }
    }

    // The view on show is drawn, unless it has been for the same thing; the others when they are opened.
    draw(name, of, data) {
      const one = this.all[name];
      if (one.drawn === of) return;
      one.drawn = of;
      one.view.show(data);
    }

    // All but one are to be drawn anew: what they share has changed.
    forget(but = "") {
      for (const [name, one] of Object.entries(this.all)) if (name !== but) one.drawn = null;
    }
  }

  lab.Views = Views;
})();
