// What the views of a comparison of classifiers share: nodes, drawings, numbers, and the colour of each training set.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SVG = "http://www.w3.org/2000/svg";
  const COLOURS = ["--synthetic", "--run-a", "--run-b", "--run-c", "--run-d", "--discriminator"];
  const VERDICTS = { helps: "helps", hurts: "hurts", "no difference seen": "same", "cannot be told": "unknown" };

  const make = (tag, about, ...children) => lab.el(tag, about, children);

  function draw(tag, about, text) {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(about)) node.setAttribute(key, String(value));
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // About `count` round numbers from low to high.
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    if (!(rough > 0)) return [low];
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Number(at.toPrecision(12)));
    return found;
  }

  const number = (value, digits = 3) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  // Of a sample; NaN of a single value, which scatters nowhere.
  const deviation = (values) => Math.sqrt(values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1));

  // Real images alone are always in the real colour; the others take theirs in the order of the arms.
  function colourOf(data, arm) {
    const others = data.arms.filter((one) => one.protocol !== "real").map((one) => one.name);
    const place = others.indexOf(arm);
    return place < 0 ? "var(--real)" : `var(${COLOURS[place % COLOURS.length]})`;
  }

  const armOf = (data, name) => data.arms.find((one) => one.name === name) || { name, title: name };
  const classifierOf = (data, key) => data.classifiers.find((one) => one.key === key) || { key, title: key };
  const lineOf = (data, classifier, arm) => data.summary.find((one) => one.classifier === classifier && one.arm === arm);
  const rowsOf = (data, classifier, arm) => data.rows.filter((one) => one.classifier === classifier && one.arm === arm);
  const titleOf = (data, measure) => (data.measures[measure] || {}).title || measure.replaceAll("_", " ");

  // Measures that there are, in the engine's order; a list to choose one of them.
  function measuresOf(data) {
    const there = new Set(data.rows.length ? data.rows.flatMap((row) => Object.keys(row.metrics)) : Object.keys(data.measures));
    const known = Object.keys(data.measures).filter((name) => there.has(name));
    return [...known, ...[...there].filter((name) => !known.includes(name))];
  }

  // A list of the measures in a view's tools; what is chosen is the same in all views.
  class MeasureChoice {
    constructor(tools, hub) {
      this.hub = hub;
      this.list = make("select", { "aria-label": "Measure", title: "Which measure is shown" });
      this.list.addEventListener("change", () => hub.measureTo(this.list.value));
      tools.append(this.list);
    }

    show(data) {
      const names = measuresOf(data);
      const wanted = names.map((name) => titleOf(data, name)).join();
      this.list.hidden = !names.length;
      if (wanted !== this.offered) this.list.replaceChildren(...names.map((name) => make("option", { value: name }, titleOf(data, name))));
      this.offered = wanted;
      this.list.value = this.hub.measure;
      this.list.title = (data.measures[this.hub.measure] || {}).summary || "Which measure is shown";
    }
  }

  const kindOf = (words) => VERDICTS[words] || "unknown";
  const verdict = (words) => make("span", { class: "lab-verdict", "data-verdict": kindOf(words) }, words);

  // What is chosen, at the foot of a panel: it stays in view however far the panel is scrolled, and moves nothing above.
  class Foot {
    constructor(hub, role) {
      this.hub = hub;
      this.root = make("div", { class: "lab-classified-foot", role });
    }

    // Ways to the other views of a classifier and a training set.
    ways(data, chosen) {
      const titles = { confusion: "Confusion", curves: "Curves", images: "Images" };
      const kinds = lab.classifiedViews;
      return Object.keys(titles).filter((name) => !data.live && kinds[name] && (!kinds[name].fits || kinds[name].fits(data))).map((name) => {
        const button = make("button", { type: "button", class: "lab-button plain" }, titles[name]);
        button.addEventListener("click", () => this.hub.go(name, chosen));
        return button;
      });
    }

    say(title, ways, ...more) {
      this.root.replaceChildren(make("div", { class: "lab-matrix-head" }, make("h4", {}, title), ...ways), ...more.map((one) => (one instanceof Node ? one : make("p", {}, one))));
    }

    hint(words) {
      this.root.replaceChildren(make("p", { class: "lab-classified-dim" }, words));
    }

    // Another comparison is read from its beginning.
    begin() {
      if (this.of !== this.hub.shown) this.root.closest(".lab-classified-view")?.scrollTo(0, 0);
      this.of = this.hub.shown;
    }

    // Brings what was chosen out from under the head and the foot; what is in view does not move.
    bring(node) {
      const panel = this.root.closest(".lab-classified-view");
      const head = panel.querySelector("thead");
      const side = panel.querySelector("tbody th[scope=row]");
      panel.style.scrollPadding = `${head ? head.offsetHeight : 0}px 0 ${this.root.offsetHeight}px ${side ? side.offsetWidth : 0}px`;
      node.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  // A text in at most two lines of so many letters; what is too long loses its middle: names differ at their ends.
  function lines(text, most) {
    if (text.length <= most) return [text];
    const at = text.lastIndexOf(" ", most);
    const [first, rest] = at > most / 3 ? [text.slice(0, at), text.slice(at + 1)] : [text.slice(0, most), text.slice(most)];
    const half = Math.floor((most - 1) / 2);
    return [first, rest.length <= most ? rest : `${rest.slice(0, half)}…${rest.slice(-half)}`];
  }

  // "1 of 3 seeds" of a comparison that was stopped; "" where nothing is missing.
  const short = (data, count) => (!data.live && count && count < data.seeds ? `${count} of ${data.seeds} seeds` : "");

  lab.classifiedParts = {
    make, draw, ticks, number, mean, deviation, colourOf, armOf, classifierOf, lineOf, rowsOf, titleOf, measuresOf, MeasureChoice, verdict, kindOf,
    Foot, lines, short,
  };
  lab.classifiedViews = lab.classifiedViews || {};
})();
