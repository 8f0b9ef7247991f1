// The picker of methods: all of them as cards in a dialog, the lightest first, searched by typing, chosen by arrow keys.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const TAG_WORDS = {
    experimental: "Works, but has been tried little: compare it with another one",
    "by class": "Draws images of the class that you ask for",
    "changes images": "Turns images of one class into another; it invents none",
  };
  let dialogs = 0;

  const number = (value) => value.toLocaleString("en");

  const sizes = ({ sizes: all }) => (all.length > 4 ? `${all[0]}–${all[all.length - 1]}` : all.join(" · "));

  // Cost, what sets it apart, sizes and images needed; in amber where the chosen set has fewer images.
  lab.methodFacts = (method) => lab.el("span", { class: "lab-method-facts" }, [
    lab.el("span", { class: "lab-method-tag", text: method.cost }),
    ...(method.experimental ? ["experimental", ...method.tags] : method.tags).map((text) =>
      lab.el("span", { class: `lab-method-tag ${text === "experimental" ? "warn" : ""}`, text, title: TAG_WORDS[text] })),
    lab.el("span", { text: `${sizes(method)} px`, title: method.sizes.join(", ") }),
    method.images ? lab.el("span", { class: method.warning ? "warn" : "", text: `${number(method.images)}+ images`, title: method.warning }) : null,
  ]);

  function card(method, id) {
    const { el } = lab;
    const texts = [
      el("span", { class: "lab-method-summary", text: method.summary }),
      el("span", { class: "lab-method-good", text: method.good_for }),
      method.trouble && el("span", { class: "lab-method-trouble", text: `${method.trouble} ${method.advice}` }),
      method.warning && el("span", { class: "lab-method-unseen", text: method.warning }),
      el("span", { class: "lab-method-source", text: method.source }),
    ];
    const about = {
      class: "lab-method-option", role: "option", tabindex: "-1", id, "data-name": method.name,
      "aria-label": [method.title, method.cost, method.experimental ? "experimental" : "", ...method.tags].filter(Boolean).join(", "),
      "aria-describedby": `${id}-about ${id}-facts`,
      "aria-disabled": method.trouble ? "true" : null,
    };
    const facts = lab.methodFacts(method);
    facts.id = `${id}-facts`;
    return el("div", about, [el("span", { class: "lab-method-head" }, [el("b", { text: method.title }), facts]), el("span", { class: "lab-method-texts", id: `${id}-about` }, texts)]);
  }

  // All that a search looks at.
  const words = (method) => [method.name, method.title, method.summary, method.good_for, method.source, method.cost, ...method.tags,
    method.experimental ? "experimental" : ""].join(" ").toLowerCase();

  // The option that a key leads to: left and right in reading order, up and down to the nearest of the next row.
  function reached(options, from, key) {
    const place = options.indexOf(from);
    if (key === "ArrowRight") return options[place + 1];
    if (key === "ArrowLeft") return options[place - 1];
    if (key === "Home") return options[0];
    if (key === "End") return options[options.length - 1];
    const here = from.getBoundingClientRect();
    const beyond = options.map((option) => ({ option, box: option.getBoundingClientRect() }))
      .filter(({ box }) => (key === "ArrowDown" ? box.top > here.top + 4 : box.top < here.top - 4));
    const away = ({ box }) => Math.abs(box.top - here.top) * 4 + Math.abs(box.left - here.left);
    return beyond.sort((one, other) => away(one) - away(other))[0]?.option;
  }

  // Opens it; `choose` is called with the name of a method that can be chosen.
  lab.pickMethod = ({ methods, costs, chosen }, choose) => {
    const { el } = lab;
    dialogs += 1;
    const count = el("span", { class: "lab-methods-count", role: "status" });
    const search = el("input", { class: "lab-methods-search", type: "search", placeholder: "Search", "aria-label": "Search methods", autocomplete: "off", spellcheck: "false" });
    const close = el("button", { class: "lab-button plain", type: "button", text: "Close", on: { click: () => dialog.close() } });
    const list = el("div", { class: "lab-methods-list", role: "listbox", "aria-label": "Methods" });
    const dialog = el("dialog", { class: "lab-dialog lab-methods-dialog", "aria-label": "Choose a method" }, [
      el("div", { class: "lab-methods-bar" }, [el("h2", { text: "Method" }), search, count, el("span", { class: "lab-space" }), close]),
      el("dl", { class: "lab-methods-costs" }, costs.map(({ name, processor, gpu }) => el("div", {}, [
        el("dt", { class: "lab-method-tag", text: name }), el("dd", { text: `on a processor ${processor}; on a GPU ${gpu}` })]))),
      list,
    ]);
    const options = new Map(methods.map((method, place) => [method, card(method, `lab-method-${dialogs}-${place}`)]));
    list.append(...options.values());

    const shown = () => [...options.values()].filter((option) => !option.hidden);
    const current = () => list.querySelector("[tabindex='0']");

    function mark(option, focus) {
      for (const other of options.values()) other.setAttribute("tabindex", other === option ? "0" : "-1");
      if (!option || !focus) return;
      option.focus({ preventScroll: true });
      option.scrollIntoView({ block: "nearest" });
    }

    function filter() {
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const [method, option] of options) option.hidden = !wanted.every((word) => words(method).includes(word));
      const left = shown();
      const refused = left.filter((option) => option.getAttribute("aria-disabled")).length;
      count.textContent = [wanted.length ? `${left.length} of ${options.size} methods` : `${options.size} methods`,
        refused ? `${refused} cannot learn this set` : ""].filter(Boolean).join(", ");
      mark(left.includes(current()) ? current() : left[0], false);
    }

    function take(option) {
      if (!option || option.getAttribute("aria-disabled")) return;
      dialog.close();
      choose(option.dataset.name);
    }

    for (const [method, option] of options) {
      option.setAttribute("aria-selected", String(method.name === chosen));
      option.addEventListener("click", () => { mark(option, true); take(option); });
    }
    list.addEventListener("keydown", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" || event.key === " ") take(option);
      else if (/^(Arrow|Home|End)/.test(event.key)) mark(reached(shown(), option, event.key) || option, true);
      else if (event.key.length === 1) return search.focus(); // and the letter goes there
      else return undefined;
      event.preventDefault();
      return undefined;
    });
    search.addEventListener("input", filter);
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && search.value) take(shown().find((option) => !option.getAttribute("aria-disabled")));
      else if (event.key === "ArrowDown") mark(current(), true);
      else return;
      event.preventDefault();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    filter();
    dialog.showModal();
    dialog.style.minHeight = `${dialog.offsetHeight}px`; // a search does not make it jump
    mark([...options.values()].find((option) => option.getAttribute("aria-selected") === "true") || shown()[0], true);
  };
})();
