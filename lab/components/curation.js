// The curation desk's one state: the chosen catalogue, the scores, the threshold, the verdicts and their undo.
// The catalogue list, the histogram and the grid read it and are told by events; none knows the others.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const bus = new EventTarget();
  const sessions = new Map(); // catalogue id -> its verdicts and undo, kept while the page is open
  const client = Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join("");
  let sequence = 0;

  const state = {
    lists: { catalogues: [], image_sets: [] },
    listed: false,
    selected: { kind: "", id: "" },
    data: null, // {items, scores, label, labels, reason, reasons, verdicts, analysed}
    session: null,
    loading: false,
    problem: "",
    mode: "threshold", // or "best"
    threshold: 0.75,
    best: 0,
    cut: 0.75, // the score at which keeping ends, in either mode
    kept: new Uint8Array(0),
    mask: null, // 1 where a filter of the overview leaves an image; null without one
    where: {}, // that filter: column -> allowed values
    groups: null, // and the groups of a clustering that it leaves: {clustering, clusters}
    counts: { all: 0, kept: 0, out: 0, near: 0, decided: 0 },
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
    const counts = { all: 0, kept: 0, out: 0, near: 0, decided: session.verdicts.size };
    for (let i = 0; i < size; i++) {
      counts.kept += kept[i];
      if (state.mask && !state.mask[i]) continue;
      counts.all += 1;
      if (Math.abs(data.scores[i] - state.cut) <= 0.05 + 1e-9) counts.near += 1;
    }
    counts.out = counts.all - counts.kept;
    state.counts = counts;
  }

  function recounted(name, detail) {
    recount();
    emit(name, detail);
    emit("counts");
  }

  // ---- lists and choice -------------------------------------------------------------------------------------------
  async function refresh(choose) {
    try {
      state.lists = await lab.get("/lab/catalogues");
      state.problem = "";
    } catch (error) {
      state.problem = words(error);
    }
    state.listed = true;
    const known = (kind, id) => state.lists[kind === "image_sets" ? "image_sets" : "catalogues"].some((one) => one.id === id);
    const wish = choose || state.selected;
    if (wish.id && known(wish.kind, wish.id)) await select(wish.kind, wish.id, Boolean(choose));
    else if (state.lists.catalogues.length) await select("catalogues", state.lists.catalogues[0].id);
    else state.data = null;
    emit("lists");
  }

  async function select(kind, id, again) {
    const same = state.selected.kind === kind && state.selected.id === id;
    if (same && state.data && state.data.analysed && !again) return;
    state.selected = { kind, id };
    emit("select");
    state.loading = true;
    state.data = null;
    emit("data");
    try {
      const data = await lab.get(`${base(kind, id)}/scores`);
      if (state.selected.id !== id || state.selected.kind !== kind) return; // another one was chosen meanwhile
      adopt(kind, id, data);
      state.problem = "";
    } catch (error) {
      if (state.selected.id === id && state.selected.kind === kind) state.problem = words(error);
    }
    state.loading = false;
    recounted("data");
  }

  function adopt(kind, id, data) {
    data.place = new Map(data.items.map((item, index) => [item, index]));
    data.ranked = data.items.map((_, index) => index);
    data.ranked.sort((a, b) => data.scores[b] - data.scores[a] || a - b);
    const key = `${kind}/${id}`;
    const fresh = !state.session || state.session.key !== key;
    data.refused = new Uint8Array(data.items.length);
    for (const index of data.unreadable) data.refused[index] = 1;
    const verdicts = new Map(Object.entries(data.verdicts || {}).filter(([, said]) => said[0] !== "none"));
    const session = sessions.get(key) || { key, kind, id, undo: [], latest: new Map(), details: new Map() };
    session.verdicts = verdicts;
    session.confirmed = new Map(verdicts);
    session.details = new Map();
    sessions.set(key, session);
    state.data = data;
    if (fresh) Object.assign(state, { where: {}, groups: null, mask: null });
    state.session = session;
    // A number of images means nothing for another catalogue; a threshold does.
    if (fresh) state.mode = "threshold";
    state.best = Math.min(fresh ? data.items.length : state.best, data.items.length);
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

  // ---- filter ------------------------------------------------------------------------------------------------------
  function setFilter(where, groups, mask) {
    Object.assign(state, { where, groups, mask });
    recounted("filter");
  }

  // ---- verdicts ---------------------------------------------------------------------------------------------------
  function mark(session, item, said) {
    if (said[0] === "none") session.verdicts.delete(item);
    else session.verdicts.set(item, said);
    if (session === state.session) recounted("verdict", { item });
  }

  // A newer decision on the same image speaks for itself; otherwise the mark goes back to what is on disk.
  function takeBack(session, item, seq) {
    if (session.latest.get(item) === seq) mark(session, item, session.confirmed.get(item) || ["none", ""]);
  }

  async function send(session, item, said) {
    const seq = ++sequence;
    session.latest.set(item, seq);
    mark(session, item, said);
    try {
      const [verdict, reason] = said;
      await lab.post("/lab/decide", { kind: session.kind, id: session.id, item, verdict, reason, seq, client });
      session.confirmed.set(item, said);
      emit("saved");
      return true;
    } catch (error) {
      takeBack(session, item, seq);
      emit("problem", { text: `The mark of ${item} was not saved and is taken back. ${words(error)}` });
      return false;
    }
  }

  async function decide(item, verdict, reason) {
    const session = state.session;
    if (!session) return;
    const before = session.verdicts.get(item) || ["none", ""];
    const entry = { item, before };
    session.undo.push(entry);
    if (!(await send(session, item, [verdict, reason || ""]))) {
      const at = session.undo.indexOf(entry);
      if (at >= 0) session.undo.splice(at, 1);
    }
  }

  function undo() {
    const session = state.session;
    const entry = session && session.undo.pop();
    if (!entry) return "";
    send(session, entry.item, entry.before).then((saved) => {
      if (!saved) session.undo.push(entry);
    });
    return entry.item;
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

  lab.curation = { state, picture, on, emit, refresh, select, setThreshold, setBest, setMode, setFilter, decide, undo, details };
})();
