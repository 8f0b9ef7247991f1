// Presets of curation as buttons: they set the mode and the threshold, or the number to keep. The engine names them.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  // What a preset says of the scores; null where it leaves them alone.
  function choice({ changes }) {
    const { shape_confidence: threshold, keep_best: best, keep_share: share } = changes || {};
    if (Number.isFinite(share) || Number.isFinite(best)) return { share, best };
    return Number.isFinite(threshold) ? { threshold } : null;
  }

  function set({ threshold, share, best }) {
    const { curation } = lab;
    const { counts } = curation.state;
    if (threshold !== undefined) {
      curation.setMode("threshold");
      curation.setThreshold(threshold, true);
      return;
    }
    curation.setMode("best");
    curation.setBest(best ?? counts.all * share, true);
  }

  async function offer(holder) {
    let presets = [];
    try {
      presets = await lab.get("/lab/review/presets");
    } catch {
      return; // the line can be set by hand
    }
    const buttons = presets.filter(choice).map((preset) =>
      lab.el("button", { type: "button", "data-preset": preset.name, text: preset.title || preset.name, title: preset.summary, on: {
        click: () => lab.curation.state.data && lab.curation.state.selected.kind === "catalogues" && set(choice(preset)),
      } }));
    holder.replaceChildren(...buttons);
  }

  lab.presets = { offer };
})();
