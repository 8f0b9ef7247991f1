// A list to choose one thing from: a title, a line below it and a dot for its state; an optional link to download.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  function card(item, chosen, choose) {
    const text = [lab.el("b", { text: item.title }), lab.el("span", { text: item.text })];
    const dot = item.state ? lab.el("i", { class: `lab-dot ${item.state}`, title: item.state }) : null;
    if (item.link) {
      const name = item.link.split("/").pop();
      const link = lab.el("a", { class: "lab-button", href: item.link, download: name, text: "Download" });
      return lab.el("div", { class: "lab-card", role: "listitem" }, [lab.el("div", {}, [dot, ...text]), link]);
    }
    const about = {
      class: "lab-card",
      type: "button",
      role: "option",
      "data-id": item.id,
      "aria-selected": String(item.id === chosen),
      title: item.hint,
      on: { click: () => choose(item.id) },
    };
    return lab.el("button", about, [dot, ...text]);
  }

  function mount(element, props, watch, trigger) {
    const root = lab.root(element);
    root.classList.add("lab-cards");
    let told = null;
    let clicked = null; // a list that was under way when somebody clicked must not take the choice back

    function show() {
      if (props.value === told) return;
      const { items = [], chosen: suggested = "", empty = "", label = "" } = JSON.parse(props.value || "{}") || {};
      const chosen = items.some((item) => item.id === clicked) ? clicked : suggested;
      if (chosen !== suggested) {
        props.value = JSON.stringify({ items, chosen, empty, label });
        setTimeout(() => trigger("input")); // and what hangs on the choice is asked for again
      }
      told = props.value;
      const focused = root.contains(document.activeElement) ? document.activeElement.dataset.id : "";
      root.setAttribute("role", items.some((item) => item.link) ? "list" : "listbox");
      root.setAttribute("aria-label", label);
      const cards = items.map((item) => card(item, chosen, choose));
      root.replaceChildren(...(cards.length ? cards : [lab.el("p", { class: "lab-none", text: empty })]));
      const again = cards.find((one) => one.dataset.id && one.dataset.id === focused);
      if (again) again.focus({ preventScroll: true });
    }

    function choose(id) {
      const value = JSON.parse(props.value || "{}") || {};
      clicked = id;
      if (value.chosen === id) return;
      props.value = JSON.stringify({ ...value, chosen: id });
      show();
      trigger("input");
    }

    watch("value", show);
    show();
  }

  lab.cards = { mount };
})();
