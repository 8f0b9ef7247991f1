// Which runs are marked for comparison, each with a letter and a colour that it keeps while it is marked.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const LETTERS = ["A", "B", "C", "D"];
  const FEWEST = 2;
  const REMEMBERED = "lab.compare"; // for this browser tab only: a new one begins with one run

  const letters = new Map(); // letter -> run
  let open = false; // whether the comparison is on show

  try {
    const saved = JSON.parse(sessionStorage.getItem(REMEMBERED)) || {};
    for (const letter of LETTERS) if (typeof (saved.runs || {})[letter] === "string") letters.set(letter, saved.runs[letter]);
    open = Boolean(saved.open) && letters.size >= FEWEST;
  } catch { /* nothing is marked */ }

  function changed() {
    open = open && letters.size >= FEWEST;
    try {
      sessionStorage.setItem(REMEMBERED, JSON.stringify({ runs: Object.fromEntries(letters), open }));
    } catch { /* the marks last as long as the page */ }
    document.dispatchEvent(new CustomEvent("lab:compared"));
  }

  // In the order of their letters: {run, letter, token of its colour}.
  const list = () => LETTERS.filter((letter) => letters.has(letter))
    .map((letter) => ({ run: letters.get(letter), letter, token: `--run-${letter.toLowerCase()}` }));

  const of = (run) => list().find((mark) => mark.run === run) || null;

  function set(run, on) {
    const mark = of(run);
    if (on === Boolean(mark)) return;
    const free = LETTERS.find((letter) => !letters.has(letter));
    if (mark) letters.delete(mark.letter);
    else if (free) letters.set(free, run);
    open = letters.size >= FEWEST && (on || open); // the second mark opens the comparison
    changed();
  }

  // Runs that are gone lose their marks.
  function keep(runs) {
    const gone = list().filter((mark) => !runs.includes(mark.run));
    for (const mark of gone) letters.delete(mark.letter);
    if (gone.length) changed();
  }

  function show(on) {
    const wanted = on && letters.size >= FEWEST;
    if (wanted === open) return;
    open = wanted;
    changed();
  }

  function clear() {
    letters.clear();
    changed();
  }

  // Calls `work` on every change while the element is on the page, and now.
  function onChange(element, work) {
    const listener = () => (element.isConnected ? work() : document.removeEventListener("lab:compared", listener));
    document.addEventListener("lab:compared", listener);
    work();
  }

  const chip = (mark) => lab.el("i", { class: "lab-run-chip", style: `--own: var(${mark.token})`, text: mark.letter, "aria-hidden": "true" });

  lab.compared = { FEWEST, list, of, set, keep, show, clear, onChange, chip, isOpen: () => open, isFull: () => letters.size >= LETTERS.length };
})();
