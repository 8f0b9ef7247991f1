// Which images the choices made in the charts and among the groups leave: asked of the app, kept at the curation desk.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  let question = 0;

  // Bits in the order of the items, lowest first, as one byte each.
  function unpack(text, size) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return Uint8Array.from({ length: size }, (_, index) => (bytes[index >> 3] >> (index & 7)) & 1);
  }

  // The newest question wins. Resolves to "" or to what went wrong, in words.
  async function ask(where, groups) {
    const { state, setFilter } = lab.curation;
    const { data, selected } = state;
    const asked = ++question;
    if (!Object.keys(where).length && !groups) {
      setFilter(where, groups, null);
      return "";
    }
    const base = `/lab/${selected.kind === "catalogues" ? "catalogue" : "image_set"}/${encodeURIComponent(selected.id)}`;
    const about = new URLSearchParams({ where: JSON.stringify(where) });
    if (groups) about.set("clustering", groups.clustering);
    if (groups) about.set("clusters", groups.clusters.join(","));
    try {
      const answer = await lab.get(`${base}/matching?${about}`);
      if (asked !== question || selected !== state.selected || !state.data) return "";
      if (data !== state.data) return ask(where, groups); // more rows came meanwhile
      setFilter(where, groups, unpack(answer.mask, data.items.length));
      return "";
    } catch (error) {
      return `The filter was not applied. ${error.words || error.message}`;
    }
  }

  lab.filter = {
    where: (where) => ask(where, lab.curation.state.groups),
    groups: (groups) => ask(lab.curation.state.where, groups),
    // After more rows came, or the same rows in another order.
    again() {
      const { state } = lab.curation;
      const filtered = Object.keys(state.where).length > 0 || state.groups;
      return filtered ? ask(state.where, state.groups) : Promise.resolve("");
    },
  };
})();
