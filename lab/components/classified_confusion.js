// Confusion: for each classifier and training set which class is taken for which; a cell leads to its images.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  lab.classifiedViews = lab.classifiedViews || {};
  const MOST_TEXT = 8; // classes: with more of them the cells hold no numbers, only their shade

  const counted = (value) => value.toLocaleString("en", { maximumFractionDigits: 1 });
  const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

  class Confusion {
    constructor(root, tools, hub) {
      const { make } = lab.classifiedParts;
      this.hub = hub;
      this.classifier = make("select", { "aria-label": "Classifier" });
      this.classifier.addEventListener("change", () => this.draw());
      this.of = make("select", { "aria-label": "Numbers", title: "Shares of the images of a true class, or how many images" },
        make("option", { value: "share" }, "shares of the true class"), make("option", { value: "count" }, "numbers of images"));
      this.of.addEventListener("change", () => this.draw());
      tools.append(this.classifier, this.of);
      this.words = make("p", { class: "lab-classified-about", role: "status" });
      this.list = make("div", { class: "lab-confusion-list" });
      root.append(this.words, this.list);
      this.list.addEventListener("keydown", (event) => this.key(event));
    }

    show(data) {
      const { make } = lab.classifiedParts;
      this.data = data;
      const some = data.summary.some((line) => line.confusion);
      this.classifier.hidden = this.of.hidden = this.list.hidden = !some;
      if (!some) {
        this.words.textContent = data.live ? "The matrices are drawn when the comparison is done." : "This comparison has no finished training set.";
        return;
      }
      const there = data.classifiers.filter((one) => data.summary.some((line) => line.classifier === one.key));
      const before = this.classifier.value;
      this.classifier.replaceChildren(make("option", { value: "" }, "all classifiers"), ...there.map((one) => make("option", { value: one.key }, one.title)));
      const wanted = this.hub.chosen.classifier;
      const known = (key) => there.some((one) => one.key === key);
      this.classifier.value = wanted !== this.taken && known(wanted) ? wanted : known(before) ? before : "";
      this.taken = wanted;
      this.classifier.hidden = there.length < 2;
      this.there = there;
      this.words.textContent = "Mean over the seeds. Rows are what an image is, columns what it was taken for; press a number to see its images.";
      this.draw();
    }

    draw() {
      const { make, lineOf, colourOf } = lab.classifiedParts;
      const { data } = this;
      const shown = this.there.filter((one) => !this.classifier.value || one.key === this.classifier.value);
      this.list.replaceChildren(...shown.flatMap((classifier) => {
        const tables = data.arms.flatMap((arm) => {
          const line = lineOf(data, classifier.key, arm.name);
          return line && line.confusion ? [this.table(classifier, arm, line)] : [];
        });
        if (!tables.length) return [];
        return [make("h4", {}, classifier.title), this.side(tables)];
      }));
      for (const caption of this.list.querySelectorAll("caption[data-arm]")) caption.style.borderColor = colourOf(data, caption.dataset.arm);
    }

    // As many beside each other as the room holds.
    side(tables) {
      const row = lab.classifiedParts.make("div", { class: "lab-confusion-row", "data-classes": this.data.classes.length > MOST_TEXT ? "many" : null }, ...tables);
      row.style.setProperty("--least", `${96 + 78 * this.data.classes.length}px`);
      return row;
    }

    table(classifier, arm, line) {
      const { make } = lab.classifiedParts;
      const { classes } = this.data;
      const head = make("thead", {}, make("tr", {}, make("td", {}), ...classes.map((name) => make("th", { scope: "col", title: `taken for ${name}` }, make("span", {}, name)))));
      const rows = classes.map((name, i) => {
        const all = line.confusion[i].reduce((sum, value) => sum + value, 0);
        return make("tr", {}, make("th", { scope: "row", title: `${name}: ${counted(all)} images` }, make("span", {}, name)), ...classes.map((other, j) => make("td", {}, this.cell(classifier, arm, i, j, line.confusion[i][j], all))));
      });
      const about = `${arm.title}${line.tested === "synthetic" ? " (synthetic test images)" : ""}`;
      return make("table", { class: "lab-confusion", "data-classifier": classifier.key, "data-arm": arm.name, "data-classes": classes.length > MOST_TEXT ? "many" : null },
        make("caption", { "data-arm": arm.name, title: about }, about), head, make("tbody", {}, ...rows));
    }

    cell(classifier, arm, i, j, count, all) {
      const { make } = lab.classifiedParts;
      const { classes } = this.data;
      const share = all ? count / all : 0;
      const both = [percent(share), counted(count)];
      const words = `${classes[i]} taken for ${classes[j]}: ${counted(count)} of ${counted(all)} images, ${percent(share)}`;
      const [large, small] = this.of.value === "share" ? both : both.reverse();
      const button = make("button", { type: "button", title: words, "aria-label": `${words}. Show them`, disabled: !count, "data-right": i === j ? "yes" : "no" },
        ...(classes.length > MOST_TEXT ? [] : [make("b", {}, large), make("small", {}, small)]));
      button.style.setProperty("--share", `${Math.round(100 * share)}%`);
      button.addEventListener("click", () => this.hub.go("images", { classifier: classifier.key, arm: arm.name, true: i, predicted: j }));
      return button;
    }

    // Arrows go from cell to cell of a matrix.
    key(event) {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      const cell = document.activeElement.closest(".lab-confusion td");
      if (!step || !cell) return;
      event.preventDefault();
      const row = cell.parentElement;
      const next = row.parentElement.rows[row.sectionRowIndex + step[0]];
      const button = next && next.cells[cell.cellIndex + step[1]] && next.cells[cell.cellIndex + step[1]].querySelector("button");
      if (button) button.focus();
    }
  }

  lab.classifiedViews.confusion = Confusion;
})();
