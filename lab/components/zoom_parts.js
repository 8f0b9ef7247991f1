// Why an image has its shape confidence: the six parts in words (engines/curation/shape.py says how they are measured).
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const FINE = 0.8;
  const POOR = 0.5;
  // Weight; name; what a good, a middling and a poor value mean.
  const PARTS = {
    closed: [0.3, "Whole", "the outline runs inside the film and meets the chest wall", "the outline touches an edge of the film, or meets little of the chest wall", "cut off by an edge of the film, or not at the chest wall"],
    edge: [0.2, "Edge", "clear: the outline stays where it is at a stricter threshold", "moves somewhat with the threshold, or has little contrast", "unsure: it moves with the threshold, or has hardly any contrast"],
    solid: [0.15, "Dents", "none: it fills its convex hull", "some: it fills its convex hull only in part", "many: a label, a fold or a cut breaks the outline"],
    ellipse: [0.15, "Shape", "like half an ellipse on the chest wall, as a breast is", "only roughly like half an ellipse on the chest wall", "unlike a breast: no half ellipse fits it"],
    smooth: [0.1, "Smoothness", "the outline runs evenly", "the outline is uneven", "rough: the outline follows noise or several things"],
    area: [0.1, "Size", "a usual share of the film", "a rather small, or a rather large share of the film", "hardly any of the film, or nearly all of it"],
  };

  function build() {
    const { el } = lab;
    const rows = Object.entries(PARTS).map(([name, [, title]]) =>
      el("li", { "data-part": name }, [
        el("b", { text: title }), el("meter", { min: "0", max: "1", low: String(POOR), high: String(FINE), optimum: "1", "aria-label": title }),
        el("i", { "data-value": true }), el("em", { "data-cost": true }), el("span", { "data-meaning": true }),
      ]));
    return el("section", { class: "lab-zoom-parts", "data-parts": true }, [
      el("h3", { text: "Shape confidence" }), el("p", { "data-score": true }), el("p", { "data-reason": true }),
      el("ul", {}, rows),
      el("p", { class: "lab-zoom-note", text: "The score is the product of the parts, each to the power of its weight: one that fails brings it near zero." }),
    ]);
  }

  function show(section, parts, score, reasons) {
    const put = (node, text) => {
      if (node.textContent !== text) node.textContent = text;
    };
    const some = Object.keys(parts).length > 0;
    put(section.querySelector("[data-score]"), some || reasons ? score.toFixed(2) : "");
    put(section.querySelector("[data-reason]"), reasons || (some ? "nothing stands out" : "no scores for this image"));
    section.querySelector("ul").hidden = !some;
    const costs = Object.entries(PARTS).map(([name, [weight]]) => [1 - Math.max(0, Number(parts[name] ?? 1)) ** weight, name]);
    const worst = costs.sort((a, b) => b[0] - a[0])[0];
    for (const [name, [weight, , good, middling, poor]] of Object.entries(PARTS)) {
      const row = section.querySelector(`[data-part=${name}]`);
      const value = Number(parts[name] ?? 0);
      const cost = 1 - Math.max(0, value) ** weight;
      row.querySelector("meter").value = value;
      put(row.querySelector("[data-value]"), value.toFixed(2));
      put(row.querySelector("[data-meaning]"), value >= FINE ? good : value >= POOR ? middling : poor);
      put(row.querySelector("[data-cost]"), cost >= 0.005 ? `takes ${(100 * cost).toFixed(0)} %` : "");
      row.classList.toggle("lab-worst", worst[1] === name && worst[0] >= 0.05);
    }
  }

  lab.zoomParts = { build, show };
})();
