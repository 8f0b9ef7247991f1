// Presets of curation as buttons: they set the mode and the threshold, or the number to keep. The engine names them.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  const CHOICE = "#data-preset"; // the form's own choice of a preset, where there is one
  const AGAIN_MS = 3000; // the engine describes itself once after an update, which takes it a few seconds
  const TRIES = 20;

  // What a preset says of the scores; the engine's own threshold where it says nothing.
  function choice({ changes }) {
    const { shape_confidence: threshold = 0.75, keep_best: best, keep_share: share } = changes || {};
    return Number.isFinite(share) || Number.isFinite(best) ? { share, best } : { threshold };
  }

  function set({ threshold, share, best }) {
    const { curation } = lab;
    const { data, counts, selected } = curation.state;
    if (!data || selected.kind !== "catalogues") return;
    if (threshold !== undefined) {
      curation.setMode("threshold");
      curation.setThreshold(threshold, true);
      return;
    }
    curation.setMode("best");
    curation.setBest(best ?? counts.all * share, true);
  }

  // The form's control holds what a preset says of the steps: pressing it is what a click on it would be.
  function press(preset) {
    const control = document.querySelector(`${CHOICE} input[value="${CSS.escape(preset.name)}"]`);
    if (control && !control.checked) control.click();
    set(choice(preset));
    for (const button of document.querySelectorAll("[data-preset]")) button.setAttribute("aria-pressed", String(button.dataset.preset === preset.name));
  }

  async function offer(holder, tries = TRIES) {
    const presets = await lab.get("/lab/review/presets").catch(() => []); // the line can be set by hand
    if (!presets.length && tries > 0 && holder.isConnected) setTimeout(() => offer(holder, tries - 1), AGAIN_MS);
    holder.replaceChildren(...presets.map((preset) =>
      lab.el("button", { type: "button", "data-preset": preset.name, text: preset.title || preset.name, title: preset.summary, on: { click: () => press(preset) } })));
  }

  lab.presets = { offer };
})();
