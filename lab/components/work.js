// The import or curation at work, in one line of fixed height: how far, how long still, cancel; then what came of it.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const KINDS = new Set(["add", "demo", "curate"]);
  const LIVE = new Set(["queued", "running", "pausing", "paused", "stopping"]);
  const EVERY_MS = 500;

  const many = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;

  function duration(seconds) {
    if (!Number.isFinite(seconds)) return "";
    if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s left`;
    return `about ${Math.round(seconds / 60)} min left`;
  }

  function outcome(job) {
    const { result, error } = job;
    if (error) return [error.what, error.why, error.advice].filter(Boolean).join(" ");
    if (job.state !== "done") return `${job.title || "The work"}: ${job.state}. Nothing was changed.`;
    const refused = Number(result.rejected_count) || 0;
    if (job.kind === "curate") return `Made ${result.id}: ${many(Number(result.items || result.kept) || 0, "image")}. Next step: Train.`;
    if (job.kind === "demo") return `Drew ${many(Number(result.items) || 0, "phantom mammogram")}. Next step: look at the doubtful ones, then make an image set.`;
    const words = [`Added ${many(Number(result.items) || 0, "image")}`];
    if (result.patients) words.push(`of ${many(Number(result.patients), "patient")}`);
    if (refused) words.push(`· ${many(refused, "file")} refused: see Refused`);
    return `${words.join(" ")}.`;
  }

  function build(element) {
    const { el } = lab;
    const part = lab.root(element);
    part.classList.add("lab-work");
    part.replaceChildren(
      el("span", { class: "lab-dot", "data-dot": true }),
      el("span", { "data-words": true, role: "status", "aria-live": "polite" }),
      el("div", { class: "lab-work-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": "Progress" }, [el("i")]),
      el("span", { "data-share": true }),
      el("button", { class: "lab-button plain", type: "button", "data-cancel": true }),
    );
    return part;
  }

  function show(part, job) {
    const find = (selector) => part.querySelector(selector);
    const live = Boolean(job) && LIVE.has(job.state);
    part.classList.toggle("lab-idle", !job);
    part.classList.toggle("lab-live", live);
    part.classList.toggle("lab-failed", Boolean(job && job.error));
    if (!job) return;
    find("[data-dot]").className = `lab-dot ${job.state === "done" ? "running" : job.state}`;
    const doing = job.state === "queued" ? `${job.title}: waiting for its turn` : [job.title, job.message].filter(Boolean).join(": ");
    find("[data-words]").textContent = live ? doing : outcome(job);
    find("[data-words]").title = find("[data-words]").textContent;
    const percent = Math.round(100 * (job.progress || 0));
    find(".lab-work-bar").setAttribute("aria-valuenow", String(percent));
    find(".lab-work-bar i").style.width = `${percent}%`;
    find("[data-share]").textContent = live ? [`${percent} %`, duration(job.eta_s ?? NaN)].filter(Boolean).join(" · ") : "";
    find("[data-cancel]").textContent = live ? "Cancel" : "Dismiss";
  }

  function mount(element, props, watch) {
    const part = build(element);
    let id = "";
    let job = null;
    let dismissed = "";

    let before = new Set(); // catalogues when the work was first seen: one that appears meanwhile is shown at once

    const catalogues = () => lab.curation.state.lists.catalogues.map((one) => one.id);

    function follow(next) {
      if (!next || next === id) return;
      id = next;
      job = null;
      before = new Set(catalogues());
      look.now();
    }

    async function ended() {
      const finished = job; // it may be dismissed while the lists are read
      const made = job.state === "done" && job.result && job.result.id;
      const product = made && job.kind !== "curate" ? { kind: "catalogues", id: made } : undefined;
      // A first set is also what scores a catalogue that had no scores yet, so that one is read again too.
      await lab.curation.refresh(product || { ...lab.curation.state.selected });
      if (finished.state === "done") lab.toast(outcome(finished), "good");
    }

    async function tick() {
      if (!id || (job && !LIVE.has(job.state))) return;
      const asked = id;
      let answer;
      try {
        answer = await lab.get(`/lab/work/${encodeURIComponent(asked)}`);
      } catch (error) {
        if (error.status !== 404 || asked !== id) return;
        // What is cancelled takes its folder with it.
        if (job && LIVE.has(job.state)) {
          job = { ...job, state: "discarded", error: null, result: {} };
          show(part, job);
          await ended();
        } else id = "";
        return;
      }
      if (asked !== id) return;
      job = answer;
      show(part, job);
      if (!LIVE.has(job.state)) await ended();
    }

    lab.curation.on("lists", element, () => {
      const fresh = job && LIVE.has(job.state) && job.kind !== "curate" && catalogues().find((one) => !before.has(one));
      if (!fresh) return;
      before.add(fresh);
      lab.curation.select("catalogues", fresh);
    });
    const look = lab.poll(element, tick, EVERY_MS);
    part.querySelector("[data-cancel]").addEventListener("click", async () => {
      if (!job) return;
      if (!LIVE.has(job.state)) {
        dismissed = id;
        id = "";
        job = null;
        show(part, null);
        return;
      }
      try {
        await lab.post(`/lab/jobs/${encodeURIComponent(id)}/${job.state === "queued" ? "remove" : "discard"}`);
        look.now();
      } catch (error) {
        lab.toast([error.words, error.advice].filter(Boolean).join(" "), "error");
      }
    });
    // After a reload, or when another page started it, the work is found in the state that the strip reads anyway.
    const found = (event) => {
      if (!element.isConnected) return document.removeEventListener("lab:state", found);
      if (job && LIVE.has(job.state)) return undefined;
      const { active, queue } = event.detail || {};
      const work = [active, ...(queue || [])].find((one) => one && KINDS.has(one.kind) && LIVE.has(one.state));
      if (work && work.id !== dismissed) follow(work.id);
      return undefined;
    };
    document.addEventListener("lab:state", found);
    watch("value", () => follow((JSON.parse(props.value) || {}).job));
    show(part, null);
  }

  lab.work = { mount };
})();
