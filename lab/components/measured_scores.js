// Scores: one metric a row, its interval drawn over the band that real images reach among themselves.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.measuredViews = lab.measuredViews || {};
  const SCALE_HELP = "1: as near to the real images as real images are to one another. 0: as far as noise.";
  const ONE_IMAGE = [
    "An FID compares two distributions, and one image has none: its covariance cannot be computed. Values quoted for single images are distances of another kind.",
    "Of a single image this page says instead how far it lies from the nearest real one, among what new patients' images do (Realism, under Images), how like it is to its nearest training image (Copies), and PSNR and SSIM to it.",
  ];

  const make = (tag, about, ...children) => lab.el(tag, about, children);
  const whole = (number) => Number(number).toLocaleString("en");

  // Where the numbers lie on the strip, in percent; a distance's strip begins at zero.
  function places(row) {
    const numbers = [row.low, row.value, row.high, row.baseline_low, row.baseline, row.baseline_high];
    if (!numbers.every(Number.isFinite)) return null;
    let low = Math.min(...numbers);
    let high = Math.max(...numbers);
    if (row.better === "lower" && low > 0) low = 0;
    const room = 0.06 * (high - low) || 1;
    [low, high] = [low === 0 ? 0 : low - room, high + room];
    return Object.fromEntries(["low", "value", "high", "baseline_low", "baseline", "baseline_high"].map((name) => [name, (100 * (row[name] - low)) / (high - low)]));
  }

  function strip(row) {
    const at = places(row);
    const words = `synthetic ${row.text}, real against real ${row.baseline_text}`;
    const box = make("div", { class: "lab-score-strip", role: "img", "aria-label": words, title: words });
    if (!at) return box;
    const piece = (name, from, to) => {
      const node = make("i", { class: `lab-score-${name}` });
      node.style.left = `${from.toFixed(2)}%`;
      if (to !== undefined) node.style.width = `${Math.max(0.4, to - from).toFixed(2)}%`;
      return node;
    };
    box.append(piece("band", at.baseline_low, at.baseline_high), piece("base", at.baseline), piece("interval", at.low, at.high), piece("dot", at.value));
    return box;
  }

  function title(row) {
    const source = row.source ? make("span", {}, `Source: ${row.source}.`) : null;
    const name = make("span", { class: "lab-score-title lab-helped", tabindex: 0 }, make("span", { class: "label-text" }, row.title),
      row.legacy ? make("em", {}, "legacy") : null, make("span", { class: "info-text" }, make("span", {}, row.summary || ""), source));
    return name;
  }

  function score(row) {
    const [value, interval] = row.text.split(/ (?=\[)/);
    const about = [
      `real against real ${row.baseline_text}`, `${whole(row.n_real)} real, ${whole(row.n_synthetic)} synthetic`, row.extractor,
    ].filter(Boolean).join(" · ");
    return make("li", { class: "lab-score", "data-name": row.name, "data-legacy": Boolean(row.legacy) },
      title(row),
      make("span", { class: "lab-score-value" }, make("b", {}, value), interval ? ` ${interval}` : "", row.unit ? ` ${row.unit}` : ""),
      strip(row),
      make("span", { class: "lab-score-scale", title: SCALE_HELP }, Number.isFinite(row.scale) ? row.scale.toFixed(2) : "–"),
      make("p", { class: "lab-score-about" }, about),
      ...(row.warnings || []).map((text) => make("p", { class: "lab-score-warning" }, text)));
  }

  class Scores {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.at = make("select", { "aria-label": "Checkpoint", title: "Which checkpoint the scores are of" });
      this.at.addEventListener("change", () => hub.see(Number(this.at.value)));
      tools.append(make("span", { class: "lab-measured-key" }, make("i", { class: "synthetic" }), "synthetic, 95 %"),
        make("span", { class: "lab-measured-key" }, make("i", { class: "real" }), "real against real"), this.at);
      this.warnings = make("div", { class: "lab-score-notes" });
      this.list = make("ul", { class: "lab-score-list", "aria-label": "Scores" });
      this.head = make("div", { class: "lab-score-head", "aria-hidden": "true" }, make("span", {}, "Metric"), make("span", {}, "Synthetic, 95 % interval"),
        make("span", {}, "Beside the real baseline"), make("span", { title: SCALE_HELP }, "Scale"));
      this.missing = make("div", { class: "lab-score-missing" });
      root.append(this.warnings, this.head, this.list, this.missing,
        make("details", { class: "lab-score-note" }, make("summary", {}, "Why is there no FID of a single image?"), ...ONE_IMAGE.map((text) => make("p", {}, text))));
    }

    show(data) {
      const seen = [...new Set(data.rows.map((row) => row.images_seen))].filter(Number.isFinite).sort((a, b) => a - b);
      this.at.hidden = seen.length < 1;
      const wanted = seen.join();
      if (wanted !== this.offered) this.at.replaceChildren(...seen.map((images) => make("option", { value: images }, `at ${lab.curve.kimg(images)} kimg`)));
      this.offered = wanted;
      const current = seen.includes(this.hub.checkpoint) ? this.hub.checkpoint : seen.length ? seen[seen.length - 1] : null;
      this.at.value = String(current);
      const rows = data.rows.filter((row) => (row.images_seen ?? null) === current);
      rows.sort((one, other) => Number(Boolean(one.legacy)) - Number(Boolean(other.legacy)));
      this.head.hidden = !rows.length;
      this.list.replaceChildren(...rows.map(score));
      this.warnings.replaceChildren(...(data.warnings || []).map((text) => make("p", { class: "lab-score-warning" }, text)),
        ...(data.live && !rows.length ? [make("p", { class: "lab-score-about" }, "The first number is on its way.")] : []));
      const missing = data.not_measured || [];
      this.missing.replaceChildren(...(missing.length ? [make("h4", {}, "Not measured")] : []), ...missing.map((one) =>
        make("p", { "data-name": one.name }, make("b", {}, one.title), ` ${[one.what, one.why, one.advice].filter(Boolean).join(" ")}`)));
    }
  }

  lab.measuredViews.scores = Scores;
})();
