// How long the next run would take and how much memory, from a few trial steps: one quiet line below the form.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const LIVE = new Set(["queued", "running", "pausing", "paused", "stopping"]);
  const GIB = 2 ** 30;

  function duration(seconds) {
    if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    if (seconds < 129600) return `${(seconds / 3600).toFixed(1)} h`;
    return `${(seconds / 86400).toFixed(1)} days`;
  }

  const rounded = (number) => Number(Number(number).toPrecision(2)).toLocaleString("en");

  function outcome(result) {
    const images = `about ${rounded(result.images)} images, ${rounded(result.epochs)} times the set`;
    const memory = `${(result.memory_bytes / GIB).toFixed(1)} GB of memory; ${(result.memory_free_bytes / GIB).toFixed(1)} GB are free`;
    return `${duration(result.seconds)}: ${images}, at ${rounded(result.images_per_s)} a second. ${memory}.`;
  }

  function about(result) {
    return `Measured over ${result.steps} steps on ${result.device}: ${result.computing}. Sheets and checkpoints come on top; other programs slow it.`;
  }

  function mount(element, props, watch) {
    const { el } = lab;
    const root = lab.root(element);
    root.classList.add("lab-estimate");
    const words = el("span", { role: "status", "aria-live": "polite" });
    const cancel = el("button", { class: "lab-button plain", type: "button", text: "Cancel" });
    root.replaceChildren(words, cancel);
    let at = "";
    let state = "queued";
    const say = (text, hint = "", live = false) => {
      words.textContent = text;
      root.title = hint;
      root.classList.toggle("lab-live", live);
      root.hidden = !text;
    };
    const follow = lab.followJob(root, (job) => {
      if (job.id !== at) return;
      state = job.state;
      if (job.state === "done") say(outcome(job.result), about(job.result));
      else if (job.state === "removed") say("");
      else say(lab.jobInWords(job), "", LIVE.has(job.state));
    });
    cancel.addEventListener("click", async () => {
      try {
        await lab.post(`/lab/jobs/${encodeURIComponent(at)}/${state === "queued" ? "remove" : "discard"}`);
      } catch (error) {
        if (error.status !== 404) lab.toast([error.words, error.advice].filter(Boolean).join(" "), "error");
      }
      say("");
    });
    const take = () => {
      const { job } = JSON.parse(props.value) || {};
      if (!job || job === at) return;
      at = job;
      say("Waiting for the engine.", "", true);
      follow(job);
    };
    watch("value", take);
    say("");
    take();
  }

  lab.estimate = { mount };
})();
