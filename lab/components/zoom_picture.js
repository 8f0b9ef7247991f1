// Large pictures with their whole grey depth: fetched as stored values, kept few, windowed on a canvas.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const KEPT = 6; // up to 5 MB each
  const known = new Map(); // address -> promise of a picture; the oldest goes first

  async function fetched(address) {
    let response;
    try {
      response = await fetch(address, { credentials: "same-origin" });
    } catch {
      throw new Error("Phantom Lab cannot be reached.");
    }
    if (!response.ok) {
      const answer = await response.json().catch(() => ({}));
      throw new Error([answer.error, answer.advice].filter(Boolean).join(" ") || "The picture could not be opened.");
    }
    const about = JSON.parse(response.headers.get("X-Picture"));
    const bytes = await response.arrayBuffer();
    return { ...about, values: about.bytes === 2 ? new Uint16Array(bytes) : new Uint8Array(bytes) };
  }

  function load(address) {
    let picture = known.get(address);
    known.delete(address);
    if (!picture) {
      picture = fetched(address);
      picture.catch(() => known.delete(address)); // the next look tries again
    }
    known.set(address, picture);
    for (const oldest of known.keys()) {
      if (known.size <= KEPT) break;
      known.delete(oldest);
    }
    return picture;
  }

  // Stored value -> grey on the screen. A table of all values is quicker than two multiplications a pixel.
  function table({ low, high }, inverted, size) {
    const map = new Uint8Array(size);
    const slope = 255 / Math.max(1e-9, high - low);
    for (let value = 0; value < size; value++) {
      const grey = Math.min(255, Math.max(0, Math.round((value - low) * slope)));
      map[value] = inverted ? 255 - grey : grey;
    }
    return map;
  }

  function draw(canvas, picture, range, inverted) {
    const { width, height, channels, values } = picture;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d", { alpha: false });
    const image = context.createImageData(width, height);
    const map = table(range, inverted, picture.bytes === 2 ? 65536 : 256);
    const seen = new Uint32Array(image.data.buffer);
    if (channels === 1) {
      const packed = new Uint32Array(map.length);
      for (let value = 0; value < map.length; value++) packed[value] = 0xff000000 | (map[value] * 0x010101);
      for (let at = 0; at < seen.length; at++) seen[at] = packed[values[at]];
    } else {
      for (let at = 0; at < seen.length; at++) {
        seen[at] = 0xff000000 | (map[values[3 * at + 2]] << 16) | (map[values[3 * at + 1]] << 8) | map[values[3 * at]];
      }
    }
    context.putImageData(image, 0, 0);
  }

  lab.pictures = { load, draw, has: (address) => known.has(address) };
})();
