// Differences: what each training set changes against real images alone, with its interval, on one axis.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const ROW = 26;
  const OVERALL = ""; // in place of a classifier: the mean over several
  const LINE = 13; // of a name in two lines
  const ROOM = { top: 40, bottom: 40, right: 10 };
  const WORDS = 290; // for a row's estimate and verdict
  const LETTER = 6.9;

  class Forest {
    constructor(root, tools, hub) {
      this.hub = hub;
      this.parts = lab.classifiedParts;
      const { make, draw } = this.parts;
      tools.append(make("span", { class: "lab-classified-key" }, make("i", { class: "lab-forest-least" }), "would mostly be missed"));
      this.choice = new this.parts.MeasureChoice(tools, hub);
      this.save = make("button", { type: "button", class: "lab-classified-save", title: "Save this figure as a picture" }, "PNG");
      this.save.addEventListener("click", () => lab.savePicture(this.svg, `${hub.shown}-differences.png`));
      tools.append(this.save);
      this.empty = make("p", { class: "lab-classified-dim" }, "Nothing is compared with real images alone: tick more training sets, or continue a comparison that was stopped.");
      this.svg = draw("svg", { class: "lab-forest", role: "group" });
      this.foot = new this.parts.Foot(hub, "status");
      this.words = this.foot.root;
      this.words.classList.add("lab-forest-words");
      this.note = make("p", { class: "lab-classified-dim" }, "“No difference seen” is not “no difference”: the bar in the background is what would mostly have been missed. Intervals are 95 %; p values are Holm's over all rows, those of the means over the training sets; a result speaks of this synthetic set only.");
      root.append(this.empty, this.svg, this.note, this.words);
      new ResizeObserver(() => this.plot()).observe(root);
    }

    static fits(data) {
      return !data.live;
    }

    show(data) {
      this.data = data;
      this.choice.show(data);
      this.foot.begin();
      this.lines = [...(data.overall || []), ...data.summary].filter((line) => line.differences && line.differences[this.hub.measure] && Number.isFinite(line.differences[this.hub.measure].value));
      const none = !this.lines.length;
      this.empty.hidden = !none;
      for (const part of [this.svg, this.words, this.note, this.save]) part.toggleAttribute("hidden", none);
      this.plot();
    }

    plot() {
      const { parts, data } = this;
      const width = this.svg.clientWidth || this.svg.parentElement.clientWidth;
      if (!width || !this.lines || !this.lines.length) return;
      const { draw } = parts;
      const found = (line) => line.differences[this.hub.measure];
      const reach = this.lines.flatMap((line) => [found(line).low, found(line).high, found(line).value]).filter(Number.isFinite).map(Math.abs);
      const far = Math.max(...reach, 0.001) * 1.1;
      const left = Math.min(330, width * 0.29);
      const right = width - ROOM.right - WORDS;
      const x = (value) => left + ((Math.max(-far, Math.min(far, value)) + far) / (2 * far)) * (right - left);
      const groups = [{ key: OVERALL, title: data.overall_title }, ...data.classifiers].filter((one) => this.lines.some((line) => line.classifier === one.key));
      const names = new Map(this.lines.map((line) => [line, parts.lines(parts.armOf(data, line.arm).title, Math.floor((left - 26) / LETTER))]));
      const tall = (line) => ROW + LINE * (names.get(line).length - 1);
      const height = ROOM.top + ROOM.bottom + ROW * groups.length + this.lines.reduce((sum, line) => sum + tall(line), 0);
      const better = (data.measures[this.hub.measure] || {}).better !== "lower";
      const nodes = [];
      for (const at of parts.ticks(-far, far, 6)) {
        nodes.push(draw("line", { class: at ? "grid" : "zero", x1: x(at), x2: x(at), y1: ROOM.top - 6, y2: height - ROOM.bottom }));
        for (const y of [ROOM.top - 12, height - ROOM.bottom + 15]) nodes.push(draw("text", { class: "name", x: x(at), y, "text-anchor": "middle" }, `${at > 0 ? "+" : at < 0 ? "−" : ""}${Math.abs(at)}`));
      }
      nodes.push(draw("text", { class: "name", x: x(0), y: height - 5, "text-anchor": "middle" }, `difference in ${parts.titleOf(data, this.hub.measure)} from real images alone`));
      nodes.push(draw("text", { class: "name", x: left, y: 12 }, better ? "← hurts" : "← helps"), draw("text", { class: "name", x: right, y: 12, "text-anchor": "end" }, better ? "helps →" : "hurts →"));
      let y = ROOM.top;
      for (const classifier of groups) {
        nodes.push(draw("text", { class: "group", x: 2, y: y + 16 }, classifier.title));
        y += ROW;
        for (const line of this.lines.filter((one) => one.classifier === classifier.key)) {
          nodes.push(this.row(line, names.get(line), x, y, right, tall(line), classifier.title));
          y += tall(line);
        }
      }
      this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.svg.setAttribute("height", String(height));
      this.svg.setAttribute("aria-label", `Differences in ${parts.titleOf(data, this.hub.measure)} from real images alone`);
      this.svg.replaceChildren(...nodes);
      this.say();
    }

    row(line, names, x, y, right, tall, of) {
      const { draw, colourOf, armOf, kindOf } = this.parts;
      const { classifier, arm } = line;
      const gap = line.differences[this.hub.measure];
      const chosen = line === this.chosen();
      const about = { class: "row", tabindex: 0, role: "button", "data-classifier": classifier, "data-arm": arm, "aria-pressed": String(chosen), "aria-label": `${of}, ${armOf(this.data, arm).title}: ${line.said[this.hub.measure]}` };
      const group = draw("g", about);
      const middle = y + tall / 2;
      const paint = `color: ${colourOf(this.data, arm)}`;
      group.append(draw("rect", { class: "hit", x: 0, y, width: right + WORDS, height: tall }));
      const first = middle + 4 - (LINE / 2) * (names.length - 1);
      group.append(...names.map((text, n) => draw("text", { class: "arm", x: 14, y: first + n * LINE }, text)));
      if (Number.isFinite(gap.least_detectable)) {
        const [from, to] = [x(-gap.least_detectable), x(gap.least_detectable)];
        group.append(draw("rect", { class: "least", x: from, y: y + 4, width: to - from, height: tall - 8 }));
      }
      if (Number.isFinite(gap.low) && Number.isFinite(gap.high)) group.append(draw("line", { class: "interval", style: paint, x1: x(gap.low), x2: x(gap.high), y1: middle, y2: middle }));
      group.append(draw("circle", { class: "dot", style: paint, cx: x(gap.value), cy: middle, r: 4.5 }));
      group.append(draw("text", { class: "arm", x: right + 10, y: middle + 4 }, gap.text));
      group.append(draw("text", { class: "verdict", "data-verdict": kindOf(gap.verdict), x: right + WORDS, y: middle + 4, "text-anchor": "end" }, gap.verdict));
      const choose = () => {
        this.mean = classifier === OVERALL ? arm : null;
        if (this.mean === null) this.hub.choose({ classifier, arm });
        else this.plot();
        const again = this.svg.querySelector(`g[data-classifier="${CSS.escape(classifier)}"][data-arm="${CSS.escape(arm)}"]`);
        if (!again) return;
        again.focus({ preventScroll: true });
        this.foot.bring(again);
      };
      group.addEventListener("click", choose);
      group.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      });
      group.append(draw("title", {}, line.said[this.hub.measure]));
      return group;
    }

    // A mean is chosen here alone: the other views speak of one classifier.
    chosen() {
      const wanted = this.mean ? { classifier: OVERALL, arm: this.mean } : this.hub.chosen;
      return this.lines.find((one) => one.classifier === wanted.classifier && one.arm === wanted.arm);
    }

    say() {
      const line = this.chosen();
      if (!line) {
        this.foot.hint("Choose a row to read it in words.");
        return;
      }
      const mean = line.classifier === OVERALL;
      const { classifier, arm } = line;
      const title = mean ? this.data.overall_title : this.parts.classifierOf(this.data, classifier).title;
      this.foot.say(`${title} · ${this.parts.armOf(this.data, arm).title}`, mean ? [] : this.foot.ways(this.data, { classifier, arm }), line.said[this.hub.measure]);
    }
  }

  lab.classifiedViews.forest = Forest;
})();
