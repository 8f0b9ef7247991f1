// What this browser keeps of a comparison's form, so that it survives a reload: names of sets, classes and classifiers,
// numbers and switches. No text that somebody wrote.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const KEPT = "lab.classify"; // lab/tabs/classify.py reads it too, before the page has its scripts

  function all() {
    try {
      return JSON.parse(localStorage.getItem(KEPT)) || {};
    } catch {
      return {};
    }
  }

  function keep(part, value) {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...all(), [part]: value }));
    } catch {
      // A full or forbidden storage: the form is then as new after a reload.
    }
  }

  // The controls above and below the lists, as {name: value}.
  const form = (names, values) => keep("form", Object.fromEntries(names.map((name, n) => [name, values[n]])));
  const alsoForm = (more) => keep("form", { ...all().form, ...more });

  const texts = (list) => (Array.isArray(list) ? list.filter((one) => typeof one === "string") : null);
  const plain = (value) => typeof value === "boolean" || typeof value === "string" || Number.isFinite(value);
  const map = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});

  // What was ticked and set, over what stands there at first.
  const restored = (first, offer) => sound(all().arms, first, offer);

  // The study that was chosen, and what was there before it; null without one.
  function since(first, offer) {
    const { study } = all();
    if (!study || typeof study !== "object" || !offer.studies.some((one) => one.name === study.name)) return null;
    return { name: study.name, before: sound(study.before, first, offer), trials: Number.isFinite(study.trials) ? study.trials : 0 };
  }

  // What is gone since, or was never so written, is left out.
  function sound(arms, first, offer) {
    if (!arms || typeof arms !== "object") return first;
    const known = new Map(offer.groups.flatMap((group) => group.classifiers).map((one) => [one.name, one]));
    const pairs = Array.isArray(arms.ticked) ? arms.ticked.filter((one) => Array.isArray(one) && known.has(one[0])) : [];
    const has = (name, preset) => known.get(name).presets.some((one) => one.name === preset);
    const sets = texts(arms.sets);
    return {
      ticked: Array.isArray(arms.ticked) ? pairs.map(([name, preset]) => [name, has(name, preset) ? preset : ""]) : first.ticked,
      features: texts(arms.features) || first.features,
      sets: sets && (!sets.length || offer.sets.some((one) => sets.includes(one.name))) ? sets : first.sets,
      protocols: texts(arms.protocols) || first.protocols,
      numbers: { ...first.numbers, ...Object.fromEntries(Object.entries(map(arms.numbers)).filter(([name, value]) => name in first.numbers && Number.isFinite(value))) },
      to: texts(arms.to) || first.to,
      options: Object.fromEntries(Object.entries(map(arms.options)).filter(([name]) => known.has(name))
        .map(([name, values]) => [name, Object.fromEntries(Object.entries(map(values)).filter(([, value]) => plain(value)))])),
    };
  }

  function arms(chosen, study) {
    keep("arms", chosen);
    keep("study", study);
  }

  const forget = () => localStorage.removeItem(KEPT);

  lab.armsKept = { form, alsoForm, arms, forget, restored, since };
})();
