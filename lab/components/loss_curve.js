// The arithmetic of the loss chart: no page in it, so it can be tested by itself.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  // Exponential moving average without the start-up bias; gaps (NaN) stay gaps and do not move the average.
  function smooth(values, weight) {
    const out = new Array(values.length);
    let sum = 0;
    let mass = 0;
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i];
      if (Number.isNaN(value)) {
        out[i] = NaN;
        continue;
      }
      sum = weight * sum + (1 - weight) * value;
      mass = weight * mass + (1 - weight);
      out[i] = sum / mass;
    }
    return out;
  }

  // First index whose x is not below the value (xs ascending).
  function lowerBound(xs, value) {
    let low = 0;
    let high = xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (xs[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // At most `limit` points of [from, to): lowest and highest of each bucket in their order, so that no spike is lost.
  function decimate(xs, ys, from, to, limit) {
    const out = { xs: [], ys: [] };
    const keep = (i) => { out.xs.push(xs[i]); out.ys.push(ys[i]); };
    if (to - from <= limit) {
      for (let i = from; i < to; i += 1) keep(i);
      return out;
    }
    const buckets = limit >> 1;
    for (let b = 0; b < buckets; b += 1) {
      const start = from + Math.floor(((to - from) * b) / buckets);
      const end = from + Math.floor(((to - from) * (b + 1)) / buckets);
      let lowest = start;
      let highest = start;
      for (let i = start; i < end; i += 1) {
        if (Number.isNaN(ys[i])) continue;
        if (!(ys[i] >= ys[lowest])) lowest = i;
        if (!(ys[i] <= ys[highest])) highest = i;
      }
      keep(Math.min(lowest, highest));
      if (lowest !== highest) keep(Math.max(lowest, highest));
    }
    return out;
  }

  function quantile(sorted, q) {
    if (!sorted.length) return NaN;
    return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(q * (sorted.length - 1))))];
  }

  // Range of the values without the wildest half per cent at each end, widened by a margin.
  function range(series, log) {
    const all = series.flat().filter((value) => Number.isFinite(value) && (!log || value > 0)).sort((a, b) => a - b);
    if (!all.length) return log ? [0.1, 10] : [0, 1];
    let low = quantile(all, all.length > 100 ? 0.005 : 0);
    let high = quantile(all, all.length > 100 ? 0.995 : 1);
    if (log) return [low / 1.2, high * 1.2 > low ? high * 1.2 : low * 10];
    if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
    const margin = (high - low) * 0.08;
    return [low >= 0 && low < (high - low) ? 0 : low - margin, high + margin];
  }

  function ticks(low, high, count) {
    const span = high - low;
    if (!(span > 0)) return [];
    const power = 10 ** Math.floor(Math.log10(span / count));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= count) || 10 * power;
    const out = [];
    for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) out.push(Number((k * step).toPrecision(12)));
    return out;
  }

  function logTicks(low, high) {
    const out = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const factor of [1, 2, 5]) {
        const value = factor * 10 ** power;
        if (value >= low && value <= high) out.push(Number(value.toPrecision(3)));
      }
    }
    return out.length > 7 ? out.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9) : out;
  }

  // Three significant digits, as many as a mini-batch loss deserves.
  function digits(value) {
    if (!Number.isFinite(value)) return "–";
    return Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  }

  // Images seen in thousands: 512 → "0.512", 12800 → "12.8", 544000 → "544".
  function kimg(images) {
    const value = images / 1000;
    return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  }

  lab.curve = { smooth, lowerBound, decimate, range, ticks, logTicks, digits, kimg };
})();
