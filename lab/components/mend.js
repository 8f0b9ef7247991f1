// A warning in a form, with the one click that mends it; nothing where all is well.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  function mount(element, props, watch, trigger) {
    const root = lab.root(element);
    root.classList.add("lab-mend");
    root.setAttribute("role", "status");
    const show = () => {
      const { text = "", button = "", to } = JSON.parse(props.value || "null") || {};
      const mend = button && lab.el("button", { type: "button", class: "lab-button", title: button, text: button });
      if (mend) mend.addEventListener("click", () => {
        props.value = JSON.stringify({ to });
        trigger("input");
      });
      root.hidden = !text;
      root.replaceChildren(...(text ? [lab.el("span", { text }), mend].filter(Boolean) : []));
    };
    watch("value", show);
    show();
  }

  lab.mend = { mount };
})();
