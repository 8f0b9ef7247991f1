// The grey window (level and width) that grid and large view share: in shares of each picture's own usual range, which
// is what thumbnails are stretched between, so that one window suits pictures of different depth and exposure.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SVG = "http://www.w3.org/2000/svg";
  const NARROWEST = 0.01;
  const grey = { low: 0, high: 1, inverted: false };
  let picture = null; // of the large view: {low, high, bits} in stored grey values
  let functions = [];

  const plain = () => grey.low === 0 && grey.high === 1 && !grey.inverted;

  // Thumbnails get the window as an SVG filter: a linear map, and the same for all of them at once.
  function filter() {
    if (functions.length) return;
    const holder = document.createElementNS(SVG, "svg");
    holder.setAttribute("aria-hidden", "true");
    holder.setAttribute("class", "lab-filters");
    const node = document.createElementNS(SVG, "filter");
    node.id = "lab-window";
    node.setAttribute("color-interpolation-filters", "sRGB");
    const transfer = document.createElementNS(SVG, "feComponentTransfer");
    functions = ["feFuncR", "feFuncG", "feFuncB"].map((name) => {
      const part = document.createElementNS(SVG, name);
      part.setAttribute("type", "linear");
      transfer.append(part);
      return part;
    });
    node.append(transfer);
    holder.append(node);
    document.body.append(holder);
  }

  // The window in stored grey values of the picture in the large view, or null where none is decoded.
  function stored() {
    if (!picture) return null;
    const range = picture.high - picture.low;
    return { low: picture.low + grey.low * range, high: picture.low + grey.high * range, white: 2 ** picture.bits - 1 };
  }

  function words() {
    const end = grey.inverted ? ", inverted" : "";
    const exact = stored();
    if (!exact) return `window ${Math.round(100 * grey.low)}–${Math.round(100 * grey.high)} %${end}`;
    const [low, high] = [Math.round(exact.low), Math.round(exact.high)];
    return `level ${Math.round((low + high) / 2).toLocaleString("en")} width ${(high - low).toLocaleString("en")} of 0–${exact.white.toLocaleString("en")}${end}`;
  }

  function apply() {
    filter();
    const width = grey.high - grey.low;
    const slope = (grey.inverted ? -1 : 1) / width;
    const intercept = grey.inverted ? 1 + grey.low / width : -grey.low / width;
    for (const part of functions) {
      part.setAttribute("slope", slope.toFixed(5));
      part.setAttribute("intercept", intercept.toFixed(5));
    }
    const share = `window ${Math.round(100 * grey.low)}–${Math.round(100 * grey.high)} %`;
    lab.curation.emit("window", { text: share, words: words(), plain: plain() });
  }

  function set(level, width) {
    // As far as the stored values go: below and above the usual range too.
    const range = picture ? picture.high - picture.low : 1;
    const from = picture ? -picture.low / range : 0;
    const to = picture ? (2 ** picture.bits - 1 - picture.low) / range : 1;
    const half = Math.min(to - from, Math.max(NARROWEST, width)) / 2;
    const middle = Math.min(to, Math.max(from, level));
    grey.low = Math.max(from, middle - half);
    grey.high = Math.max(grey.low + NARROWEST, Math.min(to, middle + half));
    apply();
  }

  lab.window = {
    apply, set, words, stored, plain,
    inverted: () => grey.inverted,
    level: () => (grey.low + grey.high) / 2,
    width: () => grey.high - grey.low,
    of(next) {
      picture = next;
      apply();
    },
    invert() {
      grey.inverted = !grey.inverted;
      apply();
    },
    reset() {
      Object.assign(grey, { low: 0, high: 1, inverted: false });
      apply();
    },
  };
})();
