// The curation desk's one state: the chosen catalogue, the scores, the threshold, the verdicts and their undo.
// The catalogue list, the histogram and the grid read it and are told by events; none knows the others.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const bus = new EventTarget();
  const NEAR = 0.05; // within this of the cut a score is doubtful
  const FOLLOW_MS = 2000; // how often an analysis that is still growing is read again
  let following = 0;
  let took = 0; // the last reading, in ms

  const state = {
    lists: { catalogues: [], image_sets: [] },
    listed: false,
    selected: { kind: "", id: "" },
    data: null, // {items, scores, label, labels, reason, reasons, verdicts, analysed}
    session: null, // one reader's verdicts on it and the way back
    reader: lab.marks.stored(), // "": reading without a name
    together: null, // item -> what two readers said of it, while they look at their disagreements
    readers: {}, // who has marked images here, and how many
    loading: false,
    problem: "",
    mode: "threshold", // or "best"
    threshold: 0.75,
    best: 0,
    cut: 0.75, // the score at which keeping ends, in either mode
    kept: new Uint8Array(0),
    mask: null, // 1 where a filter of the overview leaves an image; null without one
    where: {}, // that filter: column -> allowed values
    replaces: null, // the image set that the next one becomes a new version of
    groups: null, // and the groups of a clustering that it leaves: {clustering, clusters}
    counts: { all: 0, kept: 0, out: 0, near: 0, decided: 0, accept: 0, reject: 0, alike: 0 },
  };

  const emit = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail: detail || {} }));

  // A listener that leaves with its element, so that a remounted component does not answer twice.
  function on(name, element, listener) {
    const call = (event) => {
      if (!element.isConnected) bus.removeEventListener(name, call);
      else listener(event.detail);
    };
    bus.addEventListener(name, call);
  }

  const words = (error) => [error.words || error.message, error.advice].filter(Boolean).join(" ");

  const base = (kind, id) => `/lab/${kind === "catalogues" ? "catalogue" : "image_set"}/${encodeURIComponent(id)}`;

  // Where a candidate's small picture lies.
  function picture(item) {
    const { kind, id } = state.selected;
    const folder = kind === "catalogues" ? "analysis/thumbnails" : "thumbnails";
    return `/lab/media/${kind}/${encodeURIComponent(id)}/${folder}/${encodeURIComponent(item)}.webp`;
  }

  // The same choice as the engine's (engines/curation/pipeline.py, choose): a verdict by hand overrides the score.
  function recount() {
    const { data, session } = state;
    if (!data) return;
    const size = data.items.length;
    const kept = (state.kept = new Uint8Array(size));
    const said = new Uint8Array(size); // 1 accepted, 2 rejected
    for (const [item, [verdict]] of session.verdicts) {
      if (data.place.has(item)) said[data.place.get(item)] = verdict === "accept" ? 1 : 2;
    }
    const left = (index) => !data.refused[index] && (!state.mask || state.mask[index] === 1);
    const open = (index) => left(index) && !said[index];
    for (let i = 0; i < size; i++) kept[i] = left(i) && said[i] === 1 ? 1 : 0;
    if (session.kind === "image_sets") {
      state.cut = 0;
      for (let i = 0; i < size; i++) if (open(i)) kept[i] = 1;
    } else if (state.mode === "best") {
      let room = state.best; // those accepted by hand count among the best
      for (let i = 0; i < size; i++) room -= kept[i];
      state.cut = 1;
      for (const i of data.ranked) {
        if (room <= 0) break;
        if (!open(i)) continue;
        kept[i] = 1;
        state.cut = data.scores[i];
        room -= 1;
      }
    } else {
      state.cut = state.threshold;
      for (let i = 0; i < size; i++) if (open(i) && data.scores[i] >= state.cut) kept[i] = 1;
    }
    const counts = { all: 0, kept: 0, out: 0, near: 0, decided: 0, accept: 0, reject: 0, alike: 0 };
    for (let i = 0; i < size; i++) {
      counts.kept += kept[i];
      if (state.mask && !state.mask[i]) continue;
      counts.all += 1;
      if (near(i)) counts.near += 1;
      if (said[i]) counts[said[i] === 1 ? "accept" : "reject"] += 1;
      if (alike(i)) counts.alike += 1;
    }
    counts.out = counts.all - counts.kept;
    counts.decided = counts.accept + counts.reject;
    state.counts = counts;
  }

  const near = (index) => Math.abs(state.data.scores[index] - state.cut) <= NEAR + 1e-9;

  // The places of the images that look like this one, itself among them; null where there is none.
  const alike = (index) => state.data.groups.get(state.data.hash_group[index]) || null;

  function recounted(name, detail) {
    recount();
    emit(name, detail);
    emit("counts");
  }

  // ---- lists and choice -------------------------------------------------------------------------------------------
  async function refresh(choose) {
    const before = state.selected;
    try {
      state.lists = await lab.get("/lab/catalogues");
      state.problem = "";
    } catch (error) {
      state.problem = words(error);
    }
    state.listed = true;
    const known = (kind, id) => state.lists[kind === "image_sets" ? "image_sets" : "catalogues"].some((one) => one.id === id);
    const wish = state.selected === before && choose ? choose : state.selected; // what somebody chose meanwhile stands
    if (wish.id && known(wish.kind, wish.id)) await select(wish.kind, wish.id, wish === choose);
    else if (state.lists.catalogues.length) await select("catalogues", state.lists.catalogues[0].id);
    else state.data = null;
    emit("lists");
  }

  async function select(kind, id, again) {
    const same = state.selected.kind === kind && state.selected.id === id;
    if (same && state.data && state.data.analysed) return again ? follow() : undefined;
    if (same && state.loading) return opening;
    clearTimeout(following);
    state.selected = { kind, id };
    emit("select");
    state.loading = true;
    state.data = null;
    emit("data");
    opening = load(kind, id);
    return opening;
  }

  let opening = null; // the way of the chosen thing's columns to this page
  async function load(kind, id) {
    try {
      const data = await lab.get(`${base(kind, id)}/scores`);
      const said = await marks.read(kind, id, state.reader);
      if (!chosen(kind, id)) return; // another one was chosen meanwhile
      adopt(data);
      marks.open(said);
      state.problem = "";
    } catch (error) {
      if (!chosen(kind, id)) return;
      state.problem = words(error);
    }
    state.loading = false;
    recounted("data");
    later();
  }
  const chosen = (kind, id) => state.selected.id === id && state.selected.kind === kind;

  // The columns of a catalogue as they came, with what is looked up in them often.
  function adopt(data) {
    data.place = new Map(data.items.map((item, index) => [item, index]));
    data.ranked = data.items.map((_, index) => index);
    data.ranked.sort((a, b) => data.scores[b] - data.scores[a] || a - b);
    data.refused = new Uint8Array(data.items.length);
    for (const index of data.unreadable) data.refused[index] = 1;
    data.hash_group ||= [];
    const groups = new Map();
    data.hash_group.forEach((group, index) => {
      if (group < 0) return;
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(index);
    });
    data.groups = new Map([...groups].filter(([, places]) => places.length > 1));
    const all = state.data ? state.data.items.length : 0;
    if (state.best >= all) state.best = data.items.length; // all of them, and those that come too
    state.data = data;
  }

  // ---- an analysis that is still growing ----------------------------------------------------------------------------
  function later() {
    clearTimeout(following);
    if (state.data && state.data.growing) following = setTimeout(follow, Math.max(FOLLOW_MS, 5 * took));
  }

  // Read the columns again without losing anything that is on screen or not yet on the disk.
  async function follow() {
    const { kind, id } = state.selected;
    if (document.hidden) return later();
    const asked = performance.now();
    try {
      const data = await lab.get(`${base(kind, id)}/scores`);
      took = performance.now() - asked;
      if (!chosen(kind, id) || !state.data) return undefined;
      const before = state.data;
      const same = data.growing === before.growing && data.items.length === before.items.length;
      if (!same || !data.growing) {
        adopt(data);
        if (!before.growing) state.session.details = new Map(); // analysed anew
        if (state.mask) {
          const old = state.mask; // what came in is asked for below
          state.mask = Uint8Array.from(data.items, (item) => (before.place.has(item) ? old[before.place.get(item)] : 0));
        }
        recounted("grown", { before: before.items });
        await lab.filter.again();
      }
    } catch {
      // the next look may succeed; what is shown stays
    }
    return later();
  }

  // ---- threshold --------------------------------------------------------------------------------------------------
  function setThreshold(value, final) {
    state.threshold = Math.min(1, Math.max(0, Math.round(value * 100) / 100));
    recounted("threshold", { final });
  }

  function setBest(count, final) {
    const all = state.data ? state.data.items.length : 0;
    state.best = Math.min(all, Math.max(1, Math.round(count) || 1));
    recounted("threshold", { final });
  }

  function setMode(mode) {
    if (mode === "best" && state.mode !== "best") state.best = Math.max(1, state.counts.kept);
    state.mode = mode;
    recounted("threshold", { final: true });
  }

  function setReplaces(record) {
    state.replaces = record;
    emit("replaces");
    emit("counts");
  }

  // ---- filter ------------------------------------------------------------------------------------------------------
  function setFilter(where, groups, mask) {
    Object.assign(state, { where, groups, mask });
    recounted("filter");
  }

  // ---- details of what is on screen ----------------------------------------------------------------------------------
  async function details(items) {
    const session = state.session;
    const missing = items.filter((item) => !session.details.has(item));
    for (let from = 0; from < missing.length; from += 60) {
      const page = missing.slice(from, from + 60);
      for (const item of page) session.details.set(item, null); // asked for
      try {
        const answer = await lab.get(`${base(session.kind, session.id)}/candidates?items=${page.join(",")}`);
        for (const [item, detail] of Object.entries(answer.items)) session.details.set(item, detail);
      } catch {
        for (const item of page) session.details.delete(item);
        return;
      }
      if (session === state.session) emit("details");
    }
  }

  const marks = lab.marks.make({ state, emit, recounted, words, base });
  const { decide, undo, pace, readAs } = marks;
  lab.curation = {
    state, picture, base, near, alike, on, emit, refresh, select, readAs, setThreshold, setBest, setMode, setFilter, setReplaces, decide, undo, pace, details,
  };
})();
