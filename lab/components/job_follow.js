// Follows one short job for a part that shows what came of it: told at every look, until the job has ended.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const LIVE = new Set(["queued", "running", "pausing", "paused", "stopping"]);
  const EVERY_MS = 500;

  // Returns follow(id); `shown(job)` is called while it lives and once when it has ended.
  lab.followJob = (element, shown) => {
    let id = "";
    const look = lab.poll(element, async () => {
      const asked = id;
      if (!asked) return;
      try {
        const job = await lab.get(`/lab/work/${encodeURIComponent(asked)}`);
        if (asked !== id) return;
        if (!LIVE.has(job.state)) id = "";
        shown(job);
      } catch (error) {
        if (error.status !== 404 || asked !== id) return;
        id = "";
        shown({ id: asked, state: "removed", result: {} });
      }
    }, EVERY_MS);
    return (next) => {
      id = next || "";
      look.now();
    };
  };

  lab.jobInWords = (job) => {
    if (job.error) return [job.error.what, job.error.why, job.error.advice].filter(Boolean).join(" ");
    if (job.state === "queued") return "Waiting for its turn.";
    if (LIVE.has(job.state)) return `${job.message || "At work"} · ${Math.round(100 * (job.progress || 0))} %`;
    return job.state === "done" ? "" : `It was ${job.state}.`;
  };

  lab.jobPicture = (id, path) => `/lab/media/jobs/${encodeURIComponent(id)}/${path.split("/").map(encodeURIComponent).join("/")}`;
})();
