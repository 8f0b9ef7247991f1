// The reason why something in a comparison's form cannot be chosen: a button, and the words that it opens.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const make = (tag, about, ...children) => lab.el(tag, about, children);

  lab.armsWhy = (missing) => {
    const text = make("p", { class: "lab-measures-why", hidden: true }, missing);
    const needs = missing.startsWith("The weights");
    const button = make("button", { type: "button", class: "lab-measures-missing", "aria-expanded": "false", title: missing }, needs ? "needs a file" : "why not");
    button.addEventListener("click", () => {
      text.hidden = !text.hidden;
      button.setAttribute("aria-expanded", String(!text.hidden));
    });
    return [button, text];
  };
})();
