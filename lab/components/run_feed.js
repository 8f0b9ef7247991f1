// One poll per run and second, shared by everything on the page that shows this run.
// Followers get a store (columns of losses, sheets, notes) that only ever grows by what is new.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const STEP_MS = 100;
  const TICK_MS = 1000;
  const RESTING_TICK_MS = 4000; // a run that ended may be resumed, so it is looked at, but rarely
  const EAGER_FOR_MS = 30000; // a run without a loss yet is asked ten times a second: the first one should be seen at once
  const KEPT_NOTES = 400;
  const KEPT_STORES = 4;
  const RESTING = new Set(["done", "stopped", "failed", "interrupted"]);
  const MOST_COLUMNS = 24;
  // What an event calls the columns that every run has; any other number of a method's own becomes a column by its name.
  const COLUMN = { images: "images_seen", epoch: "epoch", g: "g_loss", d: "d_loss", real: "d_real", fake: "d_fake", speed: "images_per_s" };
  const OWN = Object.fromEntries(Object.entries(COLUMN).map(([key, name]) => [name, key]));
  const ASIDE = new Set(["t", "batches", "memory_bytes", "memory_total_bytes"]);
  const stores = new Map();
  let timer = 0;
  let selected = "";

  function clear(store) {
    store.cursor = 0;
    store.points = Object.assign(Object.create(null), { images: [], epoch: [], g: [], d: [], real: [], fake: [], speed: [] });
    store.sheets = [];
    store.notes = [];
    store.state = "";
  }

  function create(run) {
    const store = { run, followers: [], busy: false, due: 0, eagerUntil: 0, trouble: "", read: false };
    clear(store);
    return store;
  }

  // After a resume the log goes back to the last checkpoint: what came after it is no longer this run's history.
  function rewind(points, images) {
    let length = points.images.length;
    while (length && points.images[length - 1] >= images) length -= 1;
    for (const column of Object.values(points)) column.length = length;
  }

  const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : NaN);

  // A column that this event is the first to fill: what a method reports of its own, such as cycle_loss.
  function newColumn(points, name) {
    if (ASIDE.has(name) || !/^[a-z][a-z0-9_]{1,39}$/.test(name) || Object.keys(points).length >= MOST_COLUMNS) return;
    points[name] = new Array(points.images.length).fill(NaN);
  }

  function addPoint(store, event) {
    const points = store.points;
    const images = number(event.images_seen);
    if (Number.isNaN(images)) return;
    rewind(points, images);
    for (const [name, value] of Object.entries(event)) {
      if (!(name in OWN) && !(name in points) && typeof value === "number") newColumn(points, name);
    }
    for (const key of Object.keys(points)) points[key].push(number(event[COLUMN[key] || key]));
  }

  function addSheet(store, event) {
    const sheet = {
      images: number(event.images_seen), file: String(event.file || ""), time: event.t,
      columns: event.columns || 1, rows: event.rows || 1,
    };
    const place = store.sheets.findIndex((other) => other.images >= sheet.images);
    if (place < 0) store.sheets.push(sheet);
    else store.sheets.splice(place, store.sheets[place].images === sheet.images ? 1 : 0, sheet);
  }

  function apply(store, event, news) {
    if (event.kind === "metrics") addPoint(store, event);
    else if (event.kind === "sample") addSheet(store, event);
    else if (event.kind !== "progress") {
      if (event.kind === "state") store.state = String(event.state || event.name || "");
      if (event.kind === "done" || event.kind === "error") store.state = event.kind === "done" ? "done" : "failed";
      store.notes.push(event);
      if (store.notes.length > KEPT_NOTES) store.notes.splice(0, store.notes.length - KEPT_NOTES);
    }
    news[event.kind] = (news[event.kind] || 0) + 1;
  }

  function tell(store, news) {
    for (const follower of store.followers) follower.changed(store, news);
  }

  function trouble(store, text) {
    if (store.trouble === text) return;
    store.trouble = text;
    tell(store, {});
  }

  async function poll(store) {
    store.busy = true;
    try {
      const address = `/lab/live/${encodeURIComponent(store.run)}?since=${store.cursor}`;
      const answer = await fetch(address, { credentials: "same-origin", cache: "no-store" });
      if (answer.status === 401) return trouble(store, "Session ended: open the link again.");
      if (answer.status === 404) return trouble(store, store.read ? "This run's folder is gone." : "");
      if (!answer.ok) return trouble(store, "The app could not read this run; trying again.");
      const { next, events } = await answer.json();
      const news = {};
      if (next < store.cursor) clear(store);
      const moved = next !== store.cursor;
      store.cursor = next;
      for (const event of events) apply(store, event, news);
      if (moved && events.length > 100) store.due = 0; // a long history comes in pieces: fetch the next one at once
      const first = !store.read;
      store.read = true;
      const healed = store.trouble !== "";
      store.trouble = "";
      if (events.length || first || healed) tell(store, news);
    } catch {
      trouble(store, "Offline: the app does not answer; trying again.");
    } finally {
      store.busy = false;
    }
  }

  function wait(store, now) {
    if (!store.points.images.length && now < store.eagerUntil) return STEP_MS;
    return RESTING.has(store.state) ? RESTING_TICK_MS : TICK_MS;
  }

  function tick() {
    const now = performance.now();
    let followed = false;
    for (const store of stores.values()) {
      store.followers = store.followers.filter((follower) => follower.element.isConnected);
      if (!store.followers.length) continue;
      followed = true;
      const seen = !document.hidden && store.followers.some((follower) => follower.element.offsetParent !== null);
      if (!seen || store.busy || now < store.due) continue;
      store.due = now + wait(store, now) - STEP_MS / 2;
      poll(store);
    }
    if (!followed) {
      clearInterval(timer);
      timer = 0;
    }
  }

  function forget() {
    for (const [run, store] of stores) {
      if (stores.size <= KEPT_STORES) return;
      if (!store.followers.length && !store.busy) stores.delete(run);
    }
  }

  // Calls changed(store, news) for every new event of the run while the element is on the page; returns a stop function.
  function follow(run, element, changed) {
    if (!run) return () => {};
    const store = stores.get(run) || create(run);
    stores.set(run, store);
    const follower = { element, changed };
    store.followers.push(follower);
    store.eagerUntil = performance.now() + EAGER_FOR_MS;
    store.due = 0;
    if (store.read) changed(store, {});
    if (!timer) timer = setInterval(tick, STEP_MS);
    forget();
    queueMicrotask(tick);
    return () => {
      store.followers = store.followers.filter((other) => other !== follower);
    };
  }

  // Ask for news now, e.g. after a button was pressed.
  function hurry() {
    for (const store of stores.values()) {
      store.due = 0;
      store.eagerUntil = performance.now() + EAGER_FOR_MS;
    }
    tick();
  }

  function select(run, from) {
    if (run === selected) return;
    selected = run;
    document.dispatchEvent(new CustomEvent("lab:run", { detail: { run, from } }));
  }

  // Keeps one element on the selected run: show(run) is called now and on every change of the selection.
  function onRun(element, show) {
    const listener = (event) => {
      if (!element.isConnected) return document.removeEventListener("lab:run", listener);
      selected = event.detail.run || "";
      show(selected);
    };
    document.addEventListener("lab:run", listener);
    if (selected) show(selected);
  }

  // The part's own element inside Gradio's, claimed once: null if it was mounted before.
  function claim(element, name, label) {
    const root = lab.root(element);
    if (root.dataset.part) return null;
    root.dataset.part = name;
    root.classList.add(`lab-${name}`);
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", label);
    return root;
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) hurry(); });
  lab.feed = { follow, hurry, select, onRun, claim, selected: () => selected };
})();
