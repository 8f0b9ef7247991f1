// Images of a latent space as small canvases cut from a sheet, and what is said of the place that each one shows.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const PICTURE_SIDE = 64; // of a kept image: it stays in the browser

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const isSeed = (place) => typeof place === "number";

  // What the squares of the weights add up to is the whole: so a share is what a seed gives to the image's latent.
  function parts(weights) {
    const whole = weights.reduce((sum, [, weight]) => sum + weight * weight, 0) || 1;
    return weights.map(([seed, weight]) => [seed, (weight * weight) / whole]).sort((one, other) => other[1] - one[1]);
  }

  function named({ place, weights }) {
    if (isSeed(place)) return `Seed ${place}`;
    const [[seed, share]] = parts(weights);
    return `Between ${weights.length} seeds, the nearest ${seed} (${Math.round(100 * share)} %)`;
  }

  const whole = ({ place, weights }) => (isSeed(place) ? `Seed ${place}` : `Between seeds ${parts(weights).map(([seed, share]) => `${seed} (${Math.round(100 * share)} %)`).join(", ")}`);

  // One image of a sheet into a canvas; nothing is shown in between, since the sheet is decoded.
  function paint(canvas, { picture, tile, columns }, index) {
    if (canvas.width !== tile) canvas.width = canvas.height = tile;
    canvas.getContext("2d").drawImage(picture, (index % columns) * tile, Math.floor(index / columns) * tile, tile, tile, 0, 0, tile, tile);
  }

  function thumbnail(canvas) {
    const small = lab.el("canvas", { width: PICTURE_SIDE, height: PICTURE_SIDE });
    small.getContext("2d").drawImage(canvas, 0, 0, PICTURE_SIDE, PICTURE_SIDE);
    return small.toDataURL("image/webp", 0.9);
  }

  lab.latentCells = { same, isSeed, named, whole, paint, thumbnail };
})();
