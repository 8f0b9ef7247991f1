// One synthetic image over its nearest real one, with a slider to wipe between them; arrows go to the next pair.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const make = (tag, about, ...children) => lab.el(tag, about, children);

  // pairs: {index, nearest, text, laid: whether the copy detector moved the image to lie over the real one}
  lab.wipe = (hub, pairs, start) => {
    let place = start;
    let moved = false;
    const over = make("img", { class: "lab-wipe-over", alt: "", draggable: "false" });
    const under = make("img", { class: "lab-wipe-under", alt: "", draggable: "false" });
    const line = make("i", {});
    const stage = make("div", { class: "lab-wipe-stage" }, under, over, line);
    const slider = make("input", { type: "range", min: 0, max: 100, value: 50, step: 1, "aria-label": "Wipe between the synthetic and the real image" });
    const words = make("p", { role: "status" });
    const count = make("span", {});
    const lay = make("input", { type: "checkbox" });
    const laid = make("label", { title: "Mirror, enlarge and move the synthetic image as the copy detector did" }, lay, " laid over");
    const step = (text, by, name) => {
      const button = make("button", { type: "button", class: "lab-button plain", "aria-label": name, title: name }, text);
      button.addEventListener("click", () => go(place + by));
      return button;
    };
    const close = make("button", { type: "button", class: "lab-button plain" }, "Close");
    const dialog = make("dialog", { class: "lab-dialog lab-wipe", "aria-label": "Synthetic and nearest real image" },
      make("div", { class: "lab-wipe-head" }, make("b", { class: "synthetic" }, "synthetic"), count, make("b", { class: "real" }, "nearest real")),
      stage, slider, words,
      make("div", { class: "lab-wipe-foot" }, step("←", -1, "The pair before"), step("→", 1, "The next pair"), laid, make("span", { class: "lab-space" }), close));

    function wipe() {
      over.style.clipPath = `inset(0 ${100 - Number(slider.value)}% 0 0)`;
      line.style.left = `${slider.value}%`;
      slider.setAttribute("aria-valuetext", `${slider.value} % synthetic`);
    }

    function go(next) {
      place = (next + pairs.length) % pairs.length;
      const pair = pairs[place];
      const lone = pair.nearest === null || pair.nearest === undefined;
      laid.hidden = !pair.laid;
      over.src = pair.laid && lay.checked ? hub.address("laid", pair.index, pair.nearest) : hub.address("synthetic", pair.index);
      over.alt = `Synthetic image ${pair.index}`;
      under.hidden = lone;
      if (!lone) under.src = hub.address("real", pair.nearest);
      under.alt = `Real image ${pair.nearest}`;
      count.textContent = `${place + 1} of ${pairs.length}`;
      words.textContent = `Synthetic image ${pair.index}${lone ? "" : `, real image ${pair.nearest}`}. ${pair.text}`;
      stage.dataset.pair = `${pair.index}/${pair.nearest}`;
    }

    slider.addEventListener("input", wipe);
    lay.addEventListener("change", () => go(place));
    stage.addEventListener("pointerdown", (event) => {
      moved = true;
      stage.setPointerCapture(event.pointerId);
      follow(event);
    });
    stage.addEventListener("pointermove", (event) => moved && follow(event));
    stage.addEventListener("pointerup", () => { moved = false; });
    function follow(event) {
      const box = stage.getBoundingClientRect();
      slider.value = String(Math.round(100 * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))));
      wipe();
    }
    dialog.addEventListener("keydown", (event) => {
      if (event.target === slider && event.key.startsWith("Arrow")) return;
      if (event.key === "ArrowLeft") go(place - 1);
      else if (event.key === "ArrowRight") go(place + 1);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    close.addEventListener("click", () => dialog.close());
    lay.checked = true;
    document.body.append(dialog);
    go(start);
    wipe();
    dialog.showModal();
    slider.focus();
  };
})();
