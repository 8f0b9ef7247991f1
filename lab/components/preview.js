// Before and after of the hardest cases, so that a choice is seen before it is made for all images.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const HINT = "Choose steps on the left and press Preview: the twelve hardest cases are shown before and after.";

  function pair(id, row) {
    const { el } = lab;
    const picture = (path, text) => el("figure", {}, [
      el("img", { src: lab.jobPicture(id, path), alt: `${row.item}, ${text}`, loading: "lazy", draggable: "false" }), el("figcaption", { text }),
    ]);
    const about = [el("b", { text: row.item }), el("span", { text: row.note || "", title: row.note || "" })];
    return el("li", {}, [el("div", {}, [picture(row.before, "before"), picture(row.after, "after")]), el("p", {}, about)]);
  }

  function mount(element, props, watch) {
    const root = lab.feed.claim(element, "preview", "Preview of the chosen steps");
    if (!root) return;
    const words = lab.el("p", { class: "lab-preview-words", role: "status", text: HINT });
    const list = lab.el("ul", { class: "lab-preview-list" });
    root.append(words, list);
    const follow = lab.followJob(root, (job) => {
      words.textContent = lab.jobInWords(job);
      if (job.state !== "done") return;
      const rows = job.result.rows || [];
      words.textContent = rows.length ? `${rows.length} cases that these steps find hardest.` : "No image passes these choices.";
      list.replaceChildren(...rows.map((row) => pair(job.id, row)));
    });
    const take = () => {
      const { job } = JSON.parse(props.value) || {};
      if (!job) return;
      words.textContent = "Starting.";
      follow(job);
    };
    watch("value", take);
    take(); // its tab may have been opened by the very press that it answers
  }

  lab.preview = { mount };
})();
