// Which candidates the grid shows and in what order. A choice is made once and then stands: marking an image never
// moves the others, and rows that an analysis adds come after what has been on screen.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  const SORTS = [["near", "Doubtful first"], ["low", "Lowest score first"], ["item", "In order of files"]];
  const said = (state, index) => (state.session.verdicts.get(state.data.items[index]) || ["none"])[0];
  // Name, text, tooltip, whether an image belongs, and how many do.
  const FILTERS = [
    ["all", "All", "Every image", () => true, (counts) => counts.all],
    ["near", "Doubtful", "Scores within 0.05 of the line", (state, index) => lab.curation.near(index), (counts) => counts.near],
    ["kept", "Kept", "What an image set would hold now", (state, index) => state.kept[index] === 1, (counts) => counts.kept],
    ["out", "Left out", "What an image set would leave out now", (state, index) => state.kept[index] === 0, (counts) => counts.out],
    ["accept", "Accepted", "Accepted by hand", (state, index) => said(state, index) === "accept", (counts) => counts.accept],
    ["reject", "Rejected", "Rejected by hand", (state, index) => said(state, index) === "reject", (counts) => counts.reject],
    ["alike", "Alike", "Groups of near-duplicates, side by side", (state, index) => lab.curation.alike(index) !== null, (counts) => counts.alike],
  ];

  function compare(state, sort, filter) {
    const { scores, items, hash_group: groups } = state.data;
    const near = (index) => Math.abs(scores[index] - state.cut);
    const byItem = (a, b) => (items[a] < items[b] ? -1 : items[a] > items[b] ? 1 : 0);
    const chosen = {
      near: (a, b) => near(a) - near(b) || scores[a] - scores[b] || byItem(a, b),
      low: (a, b) => scores[a] - scores[b] || byItem(a, b),
      item: byItem,
    }[sort];
    return filter === "alike" ? (a, b) => groups[a] - groups[b] || chosen(a, b) : chosen;
  }

  // Places of all images that are shown. `only` is a set of items that stands in for the filter.
  function order(state, { sort, filter, only }) {
    const inside = only ? (_, index) => only.has(state.data.items[index]) : FILTERS.find(([name]) => name === filter)[3];
    const places = [];
    for (let index = 0; index < state.data.items.length; index++) {
      if ((!state.mask || state.mask[index] === 1) && inside(state, index)) places.push(index);
    }
    return places.sort(compare(state, sort, filter));
  }

  // The same after rows came in: the first `frozen` places keep their images, the rest is put in order anew.
  function grow(state, choice, before, shown, frozen) {
    const kept = [];
    for (const index of shown.slice(0, frozen)) {
      const now = state.data.place.get(before[index]);
      if (now !== undefined) kept.push(now);
    }
    const held = new Set(kept);
    return [...kept, ...order(state, choice).filter((index) => !held.has(index))];
  }

  // The next place in the order that shows an image of the same group, round and round; -1 without one.
  function next(state, shown, current) {
    const group = lab.curation.alike(shown[current]);
    if (!group) return -1;
    const inside = new Set(group);
    for (let step = 1; step < shown.length; step++) {
      const place = (current + step) % shown.length;
      if (inside.has(shown[place])) return place;
    }
    return -1;
  }

  lab.gridOrder = { SORTS, FILTERS, order, grow, next };
})();
