// Help for a form's settings, beside the control under the pointer or the keyboard's focus: the text is Gradio's own
// info line, which form.css keeps for screen readers only. And a refused value in a closed section opens it.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const HELPED = ".lab-setting, .lab-helped";
  const DELAY_MS = 300;
  const GAP_PX = 12;
  let tip = null;
  let wanted = null;
  let timer = 0;

  function paragraphs(setting) {
    const info = setting.querySelector(".info-text");
    return info ? [...info.childNodes].map((node) => node.textContent.trim()).filter(Boolean) : [];
  }

  // “Too low: …” with its first words in ink.
  function paragraph(text) {
    const lead = /^(Too low|Too high|On|Off|Allowed|[A-Z][\w. -]{2,24}):/.exec(text);
    return lead ? lab.el("p", {}, [lab.el("em", { text: lead[0] }), text.slice(lead[0].length)]) : lab.el("p", { text });
  }

  function show(setting) {
    const texts = paragraphs(setting);
    if (!texts.length || !setting.isConnected) return;
    if (!tip) {
      tip = lab.el("div", { class: "lab-tip", role: "tooltip", hidden: true });
      document.body.append(tip);
    }
    const name = setting.querySelector("[data-testid=block-info], .label-text");
    tip.replaceChildren(lab.el("b", { text: name ? name.textContent.trim() : "" }), ...texts.map(paragraph));
    tip.hidden = false;
    const place = setting.getBoundingClientRect();
    const right = place.right + GAP_PX;
    const fits = right + tip.offsetWidth < window.innerWidth;
    tip.style.left = `${fits ? right : Math.max(8, place.left - GAP_PX - tip.offsetWidth)}px`;
    tip.style.top = `${Math.max(8, Math.min(place.top - 4, window.innerHeight - tip.offsetHeight - 8))}px`;
  }

  function want(setting, delay) {
    if (setting === wanted) return;
    wanted = setting;
    clearTimeout(timer);
    if (tip) tip.hidden = true;
    if (setting) timer = setTimeout(() => show(setting), delay);
  }

  // After a button was pressed: the first setting that was refused is brought into view.
  function reveal(left) {
    const error = document.querySelector(".lab-all-settings .validation-error");
    const section = error && error.closest(".lab-all-settings");
    if (section && !error.offsetParent) section.querySelector(".label-wrap").click();
    if (error) return setTimeout(() => error.scrollIntoView({ block: "nearest" }), 50);
    return left > 0 ? setTimeout(() => reveal(left - 1), 100) : undefined;
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest(".lab-actions button, .lab-copy")) setTimeout(() => reveal(15), 200);
  });

  const settingOf = (target) => (target instanceof Element ? target.closest(HELPED) : null);
  document.addEventListener("pointerover", (event) => want(settingOf(event.target), DELAY_MS));
  document.addEventListener("focusin", (event) => {
    if (event.target.matches(":focus-visible")) want(settingOf(event.target), 0);
  });
  document.addEventListener("pointerdown", () => { if (tip) tip.hidden = true; });
  document.addEventListener("scroll", () => want(null, 0), true);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") want(null, 0); });
})();
