// Groups of images that look alike: how well each number of groups fits, sample rows, and which of them a set takes.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const HINT = "Groups images by how they look (study 4 trained on one group). Choose the features and press Find groups.";

  function plot(holder, result) {
    const scores = Object.entries(result.silhouettes || {}).map(([k, score]) => [Number(k), Number(score)]);
    const most = Math.max(...scores.map(([, score]) => score), 0.01);
    const bars = scores.map(([k, score]) => {
      const bar = lab.el("i");
      bar.style.height = `${Math.max(2, (64 * Math.max(score, 0)) / most).toFixed(0)}px`;
      const about = { class: k === result.k ? "best" : "", title: `${k} groups: silhouette ${score.toFixed(3)}. Higher is better separated; near 0 the groups overlap.` };
      return lab.el("div", about, [lab.el("span", { text: score.toFixed(2) }), bar, lab.el("span", { text: `k = ${k}` })]);
    });
    holder.replaceChildren(...bars);
  }

  function rows(holder, job, chosen, changed) {
    const items = Object.entries(job.result.sizes || {}).map(([cluster, size]) => {
      const box = lab.el("input", { type: "checkbox", checked: chosen.has(Number(cluster)) });
      box.addEventListener("change", () => changed(Number(cluster), box.checked));
      const name = `Group ${cluster}: ${Number(size).toLocaleString("en")} images`;
      const picture = lab.el("img", { src: lab.jobPicture(job.id, `samples/${cluster}.webp`), alt: `Samples of group ${cluster}`, draggable: "false" });
      return lab.el("li", {}, [lab.el("label", { title: "Ticked groups are what the next image set takes; none ticked means all." }, [lab.el("span", {}, [box, ` ${name}`]), picture])]);
    });
    holder.replaceChildren(...items);
  }

  function mount(element, props, watch) {
    const root = lab.feed.claim(element, "clusters", "Groups that look alike");
    if (!root) return;
    const { el, curation: desk } = lab;
    const words = el("p", { class: "lab-clusters-words", role: "status", text: HINT });
    const silhouettes = el("div", { class: "lab-clusters-plot", role: "img", "aria-label": "Silhouette for each number of groups" });
    const list = el("ul", { class: "lab-clusters-list" });
    root.append(words, silhouettes, list);
    const chosen = new Set();
    let catalogue = "";
    let shown = null;

    const clear = () => {
      chosen.clear();
      shown = null;
      silhouettes.replaceChildren();
      list.replaceChildren();
      words.textContent = HINT;
      if (desk.state.groups) lab.filter.groups(null);
    };
    const follow = lab.followJob(root, (job) => {
      words.textContent = lab.jobInWords(job);
      if (job.state !== "done") return;
      shown = job;
      const { k, silhouettes: scores } = job.result;
      words.textContent = `${k} groups; silhouette ${Number((scores || {})[k]).toFixed(2)} (1: clearly apart, 0: overlapping). Tick the groups to keep.`;
      plot(silhouettes, job.result);
      rows(list, job, chosen, (cluster, on) => {
        if (on) chosen.add(cluster);
        else chosen.delete(cluster);
        lab.filter.groups(chosen.size ? { clustering: shown.id, clusters: [...chosen].sort((a, b) => a - b) } : null);
      });
    });
    const take = () => {
      const { job } = JSON.parse(props.value) || {};
      if (!job) return;
      clear();
      words.textContent = "Starting.";
      catalogue = desk.state.selected.id;
      follow(job);
    };
    watch("value", take);
    take(); // its tab may have been opened by the very press that it answers
    // Taken away elsewhere: the ticks go too.
    desk.on("filter", root, () => {
      if (desk.state.groups || !chosen.size) return;
      chosen.clear();
      for (const box of list.querySelectorAll("input")) box.checked = false;
    });
    desk.on("select", root, () => {
      if (catalogue && desk.state.selected.id !== catalogue) {
        catalogue = "";
        follow("");
        clear();
      }
    });
  }

  lab.clusters = { mount };
})();
