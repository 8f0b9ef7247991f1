// Which classes of a comparison get synthetic images: all of them, or some, such as the rare one.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const HELP = "With real + synthetic, a share replaced, and phases. Where only some classes get them, class and source coincide in part: the checks say so.";
  const make = (tag, about, ...children) => lab.el(tag, about, children);

  // A row of boxes; `getting()` are the classes that get them, and `take(names)` is told of others, [] for all.
  lab.armsClasses = (classes, getting, take) => {
    const boxes = classes.map((name) => {
      const box = make("input", { type: "checkbox", value: name });
      box.addEventListener("change", () => {
        const to = classes.filter((other) => (other === name ? box.checked : getting().includes(other)));
        take(to.length === classes.length ? [] : to);
      });
      return box;
    });
    const title = "Synthetic images go to";
    const row = make("div", { class: "lab-arms-to lab-helped", role: "group", "aria-label": title },
      make("span", { class: "label-text" }, title), make("span", { class: "info-text" }, make("span", {}, HELP)),
      ...boxes.map((box) => make("label", {}, box, box.value)));
    const refresh = (asked) => {
      row.hidden = !asked || classes.length < 2;
      const on = getting();
      for (const box of boxes) {
        box.checked = on.includes(box.value);
        box.disabled = box.checked && on.length === 1; // some class gets them
      }
    };
    return { row, refresh };
  };
})();
