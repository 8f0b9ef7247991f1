// The chosen method in one card; a press opens the picker. Fires `input` when another one was chosen.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  let parts = 0;

  // Help for hover and screen readers, in the form's own way (form_tips.js).
  function tip(method, cost) {
    const fewest = method.fewest ? `at least ${method.fewest.toLocaleString("en")}` : "";
    const wanted = method.images ? `${method.images.toLocaleString("en")} or more recommended` : "";
    return [
      method.good_for && `Good for: ${method.good_for}`,
      cost && `Cost: ${method.cost}. On a processor ${cost.processor}; on a GPU ${cost.gpu}.`,
      `Images: ${[fewest, wanted].filter(Boolean).join(", ")}.`,
      `Source: ${method.source}`,
    ].filter(Boolean).map((text) => lab.el("p", { text }));
  }

  function mount(element, props, watch, trigger) {
    const { el } = lab;
    const root = lab.root(element);
    const id = `lab-method-about-${(parts += 1)}`;
    const about = el("div", { class: "info-text", id });
    const card = el("button", { class: "lab-method", type: "button", "aria-haspopup": "dialog", "aria-describedby": id, on: { click: open } });
    const trouble = el("p", { class: "lab-method-judged", role: "status" });
    root.classList.add("lab-methods", "lab-helped");
    root.replaceChildren(el("span", { class: "label-text", text: "Method" }), card, trouble, about);
    let told = null;
    let state = { methods: [], costs: [], chosen: "", turn: -1 };

    function show() {
      if (props.value === told) return;
      told = props.value;
      const news = JSON.parse(props.value || "null");
      if (news) {
        // A list that was under way when somebody chose must not take the choice back.
        const { chosen, turn } = news.turn < state.turn ? state : news;
        state = { ...news, chosen, turn };
      }
      draw();
    }

    function draw() {
      const method = state.methods.find((one) => one.name === state.chosen);
      card.disabled = !state.methods.length;
      card.classList.toggle("refused", Boolean(method && method.trouble));
      trouble.className = `lab-method-judged ${method && method.trouble ? "bad" : ""}`;
      trouble.textContent = method ? [method.trouble, method.advice, method.warning].filter(Boolean).join(" ") : "";
      if (!method) {
        const words = state.methods.length ? "Choose a method" : "Asking the engine what it can do. The first start takes some seconds.";
        card.setAttribute("aria-label", words);
        card.replaceChildren(el("span", { class: "lab-method-summary", text: words }));
        about.replaceChildren();
        return;
      }
      card.setAttribute("aria-label", `Method: ${method.title}. Change`);
      card.replaceChildren(
        el("b", { text: method.title }),
        el("span", { class: "lab-method-summary", text: method.summary }),
        lab.methodFacts(method),
      );
      about.replaceChildren(...tip(method, state.costs.find((one) => one.name === method.cost)));
    }

    function open() {
      if (state.methods.length) lab.pickMethod(state, choose);
    }

    function choose(name) {
      card.focus({ preventScroll: true });
      if (name === state.chosen) return;
      state = { ...state, chosen: name, turn: state.turn + 1 };
      props.value = told = JSON.stringify(state);
      draw();
      trigger("input");
    }

    watch("value", show);
    show();
  }

  lab.methods = { mount };
})();
