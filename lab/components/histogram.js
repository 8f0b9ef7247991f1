// Score histogram with the threshold as a line to drag, or the best N; the counts follow at once.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const BINS = 40; // of 0.025: 0.75 falls on an edge
  const STEPS = 100; // thresholds of the curve
  const STRANGE = 0.05; // fewer kept than this: these pictures are probably of another kind
  const SVG = "http://www.w3.org/2000/svg";

  function bars(drawing) {
    const make = (name) => {
      const bar = document.createElementNS(SVG, "rect");
      bar.setAttribute("class", name);
      bar.setAttribute("width", String(100 / BINS - 0.35));
      drawing.append(bar);
      return bar;
    };
    return Array.from({ length: BINS }, () => ({ kept: make("lab-bar-kept"), out: make("lab-bar-out") }));
  }

  // Share of the images that each threshold would keep by score: a falling line over the bars.
  function curve(line, dot, state) {
    const { data } = state;
    const at = new Uint32Array(STEPS + 1);
    let all = 0;
    for (let i = 0; data && i < data.items.length; i++) {
      if (data.refused[i] || (state.mask && !state.mask[i])) continue;
      at[Math.min(STEPS, Math.floor(data.scores[i] * STEPS + 1e-6))] += 1;
      all += 1;
    }
    const points = [];
    let above = all;
    let here = 0;
    const place = Math.round(state.cut * STEPS);
    for (let step = 0; step <= STEPS; step++) {
      const y = all ? 100 - (96 * above) / all : 100;
      if (step === place) here = y;
      points.push(`${((100 * step) / STEPS).toFixed(1)},${y.toFixed(2)}`);
      above -= at[step];
    }
    line.setAttribute("points", all ? points.join(" ") : "");
    dot.hidden = !all || state.selected.kind === "image_sets";
    dot.style.left = `${state.cut * 100}%`;
    dot.style.top = `${here}%`;
  }

  function draw(pairs, state) {
    const kept = new Uint32Array(BINS);
    const all = new Uint32Array(BINS);
    const { data } = state;
    for (let i = 0; data && i < data.items.length; i++) {
      if (state.mask && !state.mask[i]) continue;
      const bin = Math.min(BINS - 1, Math.floor(data.scores[i] * BINS + 1e-9));
      all[bin] += 1;
      kept[bin] += state.kept[i];
    }
    const tallest = Math.max(1, ...all);
    const height = (count) => (count ? Math.max(1.6, (96 * count) / tallest) : 0); // a single image stays visible
    pairs.forEach((pair, bin) => {
      const keptHeight = height(kept[bin]);
      const outHeight = Math.max(height(all[bin]) - keptHeight, kept[bin] < all[bin] ? 1.6 : 0);
      const x = String((100 / BINS) * bin + 0.17);
      for (const [bar, y, size] of [
        [pair.kept, 100 - keptHeight, keptHeight],
        [pair.out, 100 - keptHeight - outHeight, outHeight],
      ]) {
        bar.setAttribute("x", x);
        bar.setAttribute("y", y.toFixed(2));
        bar.setAttribute("height", size.toFixed(2));
      }
    });
  }

  function words(find, state) {
    const { counts, cut, mode, data } = state;
    const some = Boolean(data && data.items.length);
    const made = state.selected.kind === "image_sets"; // its threshold has done its work
    find("strong").textContent = some ? `${counts.kept.toLocaleString("en")} kept` : "";
    const share = counts.all ? ` (${((100 * counts.kept) / counts.all).toFixed(counts.all > 200 ? 1 : 0)} %)` : "";
    const own = state.reader && !made ? " Counted with your own marks; a set follows all readers'." : "";
    find("[data-rest]").textContent = !some
      ? state.loading ? "Reading the scores." : "No scores yet."
      : made ? `, ${counts.out.toLocaleString("en")} rejected by hand. Export leaves the rejected out.`
      : `${share}, ${counts.out.toLocaleString("en")} left out. ${counts.near.toLocaleString("en")} within ±0.05` +
        (counts.near ? `: look at those first.${own}` : `.${own}`) +
        (mode === "threshold" && counts.kept < STRANGE * counts.all ? " If these are not whole mammograms, press “Patches and other pictures”." : "");
    find("[data-mode=threshold]").textContent = `Threshold ${state.threshold.toFixed(2)}`;
    find("[data-mode=best]").textContent = mode === "best" ? "Keep best" : "Keep the best N";
    find("[role=slider]").hidden = made || !some;
    find("[data-cut]").hidden = made || !some;
    for (const button of [find("[data-mode=threshold]"), find("[data-mode=best]")]) {
      button.disabled = made;
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    const number = find("input");
    number.hidden = mode !== "best" || made;
    if (document.activeElement !== number) number.value = String(state.best);
    number.max = String(counts.all || 1);
    const handle = find("[role=slider]");
    handle.style.left = `${cut * 100}%`;
    handle.setAttribute("aria-valuenow", cut.toFixed(2));
    handle.setAttribute("aria-valuetext", `${cut.toFixed(2)}: ${counts.kept} kept, ${counts.out} left out`);
    const value = find("[data-cut]");
    value.textContent = cut.toFixed(2);
    value.style.left = `${Math.min(90, Math.max(10, cut * 100))}%`;
  }

  function build(element) {
    const { el } = lab;
    const drawing = document.createElementNS(SVG, "svg");
    for (const [key, value] of [["viewBox", "0 0 100 100"], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) drawing.setAttribute(key, value);
    const slider = { role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-valuemax": "1" };
    const handle = el("div", { class: "lab-handle", "aria-label": "Threshold of the shape confidence", ...slider });
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("class", "lab-retention");
    drawing.append(line);
    const ticks = [el("span", { class: "lab-tick", text: "0", style: "left: 1%" }), el("span", { class: "lab-tick", text: "1", style: "left: 99%" })];
    const plot = el("div", { class: "lab-plot", "data-plot": true, title: "Drag the line, or use the arrow keys: images right of it are kept" }, [
      drawing, el("i", { class: "lab-retained", "data-dot": true }), el("span", { class: "lab-curve-name", text: "line: share kept" }), ...ticks, el("span", { class: "lab-tick", "data-cut": true }), handle,
    ]);
    const segments = el("div", { class: "lab-mode", role: "group", "aria-label": "How images are kept" }, [
      el("button", { type: "button", "data-mode": "threshold", title: "Keep every image whose shape confidence reaches the line" }),
      el("button", { type: "button", "data-mode": "best", title: "Keep a fixed number: those with the highest shape confidence" }),
      el("input", { type: "number", min: "1", step: "1", "aria-label": "Number of images to keep" }),
    ]);
    const words = el("p", { "aria-live": "polite" }, [el("strong"), el("span", { "data-rest": true })]);
    const part = lab.root(element);
    part.classList.add("lab-histogram");
    const presets = el("div", { class: "lab-presets", role: "group", "aria-label": "Presets", "data-presets": true });
    part.replaceChildren(plot, segments, presets, words);
  }

  function mount(element, props, watch, trigger) {
    const desk = lab.curation;
    const { state } = desk;
    build(element);
    const find = (selector) => element.querySelector(selector);
    const pairs = bars(find("svg"));
    let frame = 0;
    let told = "";
    let telling = 0;

    // The numbers go to the form's button when they rest, not at every pixel of a drag.
    function tell() {
      const ready = state.selected.kind === "catalogues" && Boolean(state.data);
      const value = JSON.stringify({
        catalogue: ready ? state.selected.id : "",
        mode: state.mode,
        threshold: state.threshold,
        best: state.best,
        kept: ready ? state.counts.kept : 0,
        where: ready ? state.where : {},
        replaces: ready && state.replaces ? state.replaces.id : "",
        ...(ready && state.groups ? state.groups : {}),
      });
      if (value === told) return;
      told = value;
      props.value = value;
      trigger("input");
    }

    function show() {
      if (frame) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw(pairs, state);
        curve(find("polyline"), find("[data-dot]"), state);
        words(find, state);
        clearTimeout(telling);
        telling = setTimeout(tell, 60);
      });
    }

    // Moving the line sets the threshold; in the other mode it sets how many lie above it.
    function move(value, final) {
      if (state.mode === "threshold") return desk.setThreshold(value, final);
      if (!state.data) return undefined;
      const above = state.data.scores.reduce((sum, score) => sum + (score >= value ? 1 : 0), 0);
      return desk.setBest(above, final);
    }

    const plot = find("[data-plot]");
    const handle = find("[role=slider]");
    const at = (event) => {
      const box = plot.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !state.data || state.selected.kind !== "catalogues") return;
      event.preventDefault();
      plot.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      move(at(event), false);
    });
    plot.addEventListener("pointermove", (event) => {
      if (plot.hasPointerCapture(event.pointerId)) move(at(event), false);
    });
    plot.addEventListener("pointerup", (event) => {
      if (plot.hasPointerCapture(event.pointerId)) move(at(event), true);
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[event.key];
      const end = { Home: 0, End: 1 }[event.key];
      if (step === undefined && end === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      if (state.mode === "best" && step !== undefined) desk.setBest(state.best - step, true);
      else move(end === undefined ? state.threshold + step / 100 : end, true);
    });
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-mode]");
      if (button) desk.setMode(button.dataset.mode);
    });
    find("input").addEventListener("input", (event) => {
      if (event.target.value) desk.setBest(Number(event.target.value), true);
    });
    lab.presets.offer(find("[data-presets]"));
    for (const name of ["counts", "select", "data", "lists", "reader"]) desk.on(name, element, show);
    show();
  }

  lab.histogram = { mount };
})();
