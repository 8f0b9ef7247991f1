// Presets of curation as buttons: they set the mode and the threshold, or the number to keep. The engine names them.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  const CHOICE = "#data-preset"; // the form's own choice of a preset, where there is one
  let known = null; // promise of the presets

  const read = () => {
    known ||= lab.get("/lab/review/presets").catch(() => {
      known = null; // asked again next time; the line can be set by hand
      return [];
    });
    return known;
  };

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

  async function choose(name) {
    const preset = (await read()).find((one) => one.name === name);
    if (preset) set(choice(preset));
  }

  async function offer(holder) {
    const presets = document.querySelector(CHOICE) ? [] : await read();
    const buttons = presets.map((preset) =>
      lab.el("button", { type: "button", "data-preset": preset.name, text: preset.title || preset.name, title: preset.summary, on: { click: () => set(choice(preset)) } }));
    if (buttons.length) holder.replaceChildren(...buttons);
  }

  document.addEventListener("change", (event) => {
    if (event.target instanceof Element && event.target.closest(CHOICE)) choose(event.target.value);
  });

  lab.presets = { offer, choose };
})();
