// The arithmetic of the loss charts: no page in it, so it can be tested by itself.
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

  // Index of the x that is nearest (xs ascending); xs.length where there is none.
  function nearest(xs, value) {
    const after = lowerBound(xs, value);
    return after > 0 && (after >= xs.length || value - xs[after - 1] < xs[after] - value) ? after - 1 : after;
  }

  // How many values at each end may be wild: none of very few, then one, two, and at last one in a hundred.
  const wild = (count) => (count < 8 ? 0 : Math.max(count < 20 ? 1 : 2, Math.ceil(count * 0.01)));

  // Lowest and highest of all values, and of all but the wildest.
  function spread(values) {
    const sorted = Float64Array.from(values).sort();
    const cut = wild(sorted.length);
    return { whole: [sorted[0], sorted[sorted.length - 1]], most: [sorted[cut], sorted[sorted.length - 1 - cut]] };
  }

  function widened([low, high], log) {
    if (log) return [low / 1.2, high * 1.2 > low ? high * 1.2 : low * 10];
    if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
    const margin = (high - low) * 0.08;
    return [low >= 0 && low < (high - low) ? 0 : low - margin, high + margin];
  }

  // {range, beyond} of lines (arrays of values) for their axis. Values are left out of the range, and counted in
  // `beyond`, only where all others would otherwise lie in less than half of it; `everything` leaves none out.
  function range(lines, log, everything = false) {
    const usable = lines.map((values) => values.filter((value) => Number.isFinite(value) && (!log || value > 0)));
    const spreads = usable.filter((values) => values.length).map(spread);
    if (!spreads.length) return { range: log ? [0.1, 10] : [0, 1], beyond: 0 };
    const of = (kind) => widened([Math.min(...spreads.map((s) => s[kind][0])), Math.max(...spreads.map((s) => s[kind][1]))], log);
    const [whole, most] = [of("whole"), of("most")];
    const size = ([low, high]) => (log ? Math.log(high / low) : high - low);
    if (everything || size(whole) <= 2 * size(most)) return { range: whole, beyond: 0 };
    const count = (values) => values.reduce((sum, value) => sum + (value < most[0] || value > most[1]), 0);
    return { range: most, beyond: usable.reduce((sum, values) => sum + count(values), 0) };
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

  lab.curve = { smooth, lowerBound, nearest, decimate, range, ticks, logTicks, digits, kimg };
})();
