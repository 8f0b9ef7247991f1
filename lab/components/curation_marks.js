// Verdicts by hand: shown at once, sent one after the other in their order, taken back without end.
// A lost connection loses no mark: it waits and is sent again; what the app refuses is taken back and said.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const READER = "lab.reader";
  const LEFT = "lab.marks.left";
  const DAY_MS = 86_400_000;
  const CONSENSUS = "consensus"; // as in engines/decisions.py
  const AGAIN_MS = 1000;
  const PAUSE_MS = 30_000; // a longer one starts the count of marks per minute anew
  const PACE_OVER = 30;
  const client = Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join("");

  function make({ state, emit, recounted, words, base }) {
    const sessions = new Map(); // catalogue and reader -> verdicts and undo, kept while the page is open
    const queue = []; // decisions that the disk does not have yet, oldest first
    const times = [];
    let sequence = 0;
    let busy = false;

    function mark(session, item, said) {
      if (said[0] === "none") session.verdicts.delete(item);
      else session.verdicts.set(item, said);
      if (session === state.session) recounted("verdict", { item });
    }

    // A newer decision on the same image speaks for itself; otherwise the mark goes back to what is on disk.
    function takeBack({ session, item, seq }) {
      if (session.latest.get(item) === seq) mark(session, item, session.confirmed.get(item) || ["none", ""]);
    }

    const line = ({ session, item, said: [verdict, reason], seq, undo }) =>
      ({ kind: session.kind, id: session.id, item, verdict, reason, seq, client, by: session.by, undo });

    async function pump() {
      if (busy) return;
      busy = true;
      while (queue.length) {
        const { session, item, said, done } = queue[0];
        try {
          await lab.post("/lab/decide", line(queue[0]), { keepalive: true });
          session.confirmed.set(item, said);
          queue.shift();
          done(true);
          emit("saved");
        } catch (error) {
          if (!error.status) {
            const many = queue.length === 1 ? "1 mark is" : `${queue.length} marks are`;
            emit("problem", { text: `${many} not saved yet: the app does not answer. Keep this page open; they are sent again.` });
            await new Promise((go) => setTimeout(go, AGAIN_MS));
            continue;
          }
          takeBack(queue.shift());
          done(false);
          emit("problem", { text: `The mark of ${item} was not saved and is taken back. ${words(error)}` });
        }
      }
      busy = false;
    }

    function send(session, item, said, undo) {
      const seq = ++sequence;
      session.latest.set(item, seq);
      mark(session, item, said);
      return new Promise((done) => {
        queue.push({ session, item, said, seq, undo, done });
        pump();
      });
    }

    async function decide(item, verdict, reason) {
      const session = state.session;
      if (!session) return;
      if (session.held) {
        session.held.push(() => decide(item, verdict, reason));
        return;
      }
      const entry = { item, before: session.verdicts.get(item) || ["none", ""] };
      session.undo.push(entry);
      times.push(performance.now());
      if (times.length > PACE_OVER) times.shift();
      if (!(await send(session, item, [verdict, reason || ""], false))) {
        const at = session.undo.indexOf(entry);
        if (at >= 0) session.undo.splice(at, 1);
      }
    }

    function undo() {
      const session = state.session;
      const entry = session && session.undo.pop();
      if (!entry) return "";
      send(session, entry.item, entry.before, true).then((saved) => {
        if (!saved) session.undo.push(entry);
      });
      if (!session.undo.length && session.earlier) further(session);
      return entry.item;
    }

    // The journal holds more than the page took with it: the next stretch, once everything here is written.
    async function further(session) {
      while (busy) await new Promise((go) => setTimeout(go, 50));
      try {
        const found = await lab.get(address(session.kind, session.id, session.by));
        if (session.undo.length) return;
        take(session, found);
        if (session === state.session) emit("saved");
      } catch {
        session.earlier = 0;
      }
    }

    function take(session, found) {
      session.undo = found.undo.map(([item, verdict, reason]) => ({ item, before: [verdict, reason] }));
      session.earlier = found.earlier;
    }

    // Marks a minute since the last pause, over the last thirty; 0 while there are too few to say.
    function pace() {
      let first = times.length - 1;
      while (first > 0 && times[first] - times[first - 1] < PAUSE_MS) first -= 1;
      const marks = times.length - 1 - first;
      const spent = times.length ? times[times.length - 1] - times[first] : 0;
      return marks >= 3 && spent > 0 ? Math.round((marks * 60_000) / spent) : 0;
    }

    const address = (kind, id, by) => `/lab/review${base(kind, id).slice(4)}/marks?by=${encodeURIComponent(by)}`;
    const fetched = (kind, id, by) => lab.get(address(kind, id, by));

    // ---- readers ----------------------------------------------------------------------------------------------------
    function session(by) {
      const { kind, id } = state.selected;
      const same = state.session && state.session.kind === kind && state.session.id === id;
      const details = same ? state.session.details : new Map();
      return { kind, id, by, details, verdicts: new Map(), confirmed: new Map(), latest: new Map(), undo: [], earlier: 0, held: null };
    }

    // One reader's marks on the chosen thing: another catalogue or another name brings others.
    function open(said) {
      const { kind, id } = state.selected;
      const fresh = !state.session || state.session.kind !== kind || state.session.id !== id;
      const key = `${kind}/${id}/${said.by}`;
      const next = session(said.by);
      next.verdicts = new Map(Object.entries(said.verdicts));
      next.confirmed = new Map(next.verdicts);
      const known = sessions.get(key);
      if (known && queue.length) Object.assign(next, known); // its newest marks are not on the disk yet
      else take(next, said);
      sessions.set(key, next);
      state.session = next;
      state.readers = said.readers;
      if (!fresh) return;
      Object.assign(state, { where: {}, groups: null, mask: null });
      // A number of images means nothing for another catalogue; a threshold does.
      state.mode = "threshold";
      state.best = state.data.items.length;
    }

    // Read under another name. Nobody's marks show until that reader's are there; keys pressed meanwhile wait for them.
    async function readAs(name) {
      state.reader = name.trim().slice(0, 40);
      lab.marks.store(state.reader);
      emit("reader");
      if (!state.data) return;
      const { kind, id } = state.selected;
      const empty = (state.session = { ...session(state.reader), held: [] });
      recounted("marks");
      let trouble = "";
      try {
        const said = await fetched(kind, id, empty.by);
        if (state.session !== empty) return;
        open(said);
      } catch (error) {
        trouble = words(error);
      }
      const { held } = empty;
      empty.held = null;
      held.forEach((go) => go());
      recounted("marks");
      if (trouble) emit("problem", { text: trouble });
    }

    // Marks that the page could not send before it went (a reload while the app was away) are sent by the next one,
    // under their old numbers: one that did arrive counts once.
    window.addEventListener("pagehide", () => keep(queue.map(line)));
    const ready = (async () => {
      const again = [];
      for (const left of kept()) {
        try {
          await lab.post("/lab/decide", left);
        } catch (error) {
          if (!error.status) again.push(left);
          else emit("problem", { text: `The mark of ${left.item} from before could not be saved. ${words(error)}` });
        }
      }
      keep(again);
    })();
    const first = async (kind, id, by) => {
      await ready;
      return fetched(kind, id, by);
    };

    return { decide, undo, pace, open, readAs, read: first };
  }

  const stored = () => {
    try {
      return localStorage.getItem(READER) || "";
    } catch {
      return ""; // a browser may forbid it
    }
  };
  const store = (name) => {
    try {
      localStorage.setItem(READER, name);
    } catch {
      // then the name lasts as long as the page
    }
  };

  // What a page leaves to the next one, for a day at most: later it could undo what others have marked since.
  const keep = (lines) => {
    try {
      if (lines.length) localStorage.setItem(LEFT, JSON.stringify({ at: Date.now(), lines }));
    } catch {
      // then the mark is lost with the page
    }
  };
  const kept = () => {
    try {
      const { at, lines } = JSON.parse(localStorage.getItem(LEFT) || "{}");
      localStorage.removeItem(LEFT);
      return Date.now() - at < DAY_MS && Array.isArray(lines) ? lines : [];
    } catch {
      return [];
    }
  };

  lab.marks = { make, stored, store, CONSENSUS };
})();
