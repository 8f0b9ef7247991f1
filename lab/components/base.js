// What all parts share: making nodes without markup, talking to our own routes, polling, toasts, the theme.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  lab.root = (element) => element.querySelector(".lab-part") || element;

  // A node whose text and attributes can never become markup. Keys: class, text, on (events), anything else an attribute.
  lab.el = (tag, about = {}, children = []) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(about)) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "text") node.textContent = value;
      else if (key === "on") for (const [name, handler] of Object.entries(value)) node.addEventListener(name, handler);
      else node.setAttribute(key, value === true ? "" : String(value));
    }
    node.append(...children.filter(Boolean));
    return node;
  };

  class Refused extends Error {
    constructor(status, answer) {
      super(answer.error || "Phantom Lab did not answer.");
      this.status = status;
      this.words = this.message;
      this.detail = answer.detail || "";
      this.advice = answer.advice || "";
    }
  }

  // A dying app can take a request and never answer it; reading a large list from a slow drive takes its time.
  const WRITTEN_MS = 15_000;
  const READ_MS = 60_000;

  async function ask(url, options) {
    const signal = AbortSignal.timeout(options.method === "POST" ? WRITTEN_MS : READ_MS);
    let response, answer;
    try {
      response = await fetch(url, { credentials: "same-origin", signal, ...options });
      answer = await response.text();
    } catch {
      throw new Refused(0, { error: "Phantom Lab cannot be reached.", advice: "Is it still running on its computer?" });
    }
    try {
      answer = JSON.parse(answer);
    } catch {
      answer = {};
    }
    if (!response.ok) throw new Refused(response.status, answer);
    return answer;
  }

  lab.get = (url) => ask(url, { headers: { Accept: "application/json" } });
  lab.post = (url, body = {}, more = {}) => ask(url, {
    ...more,
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });

  lab.visible = (element) => !document.hidden && element.offsetParent !== null;

  // Whether a key pressed there belongs to a control, and not to the page.
  lab.inControl = (target) => target instanceof Element
    && target.closest("input, textarea, select, button, summary, canvas, [contenteditable], [role=tab], [role=slider], [role=listbox], [role=combobox], [role=radiogroup], [role=grid], [role=dialog]") !== null;

  // Call `work` every `everyMs` while the element can be seen; never twice at once. Ends when the element is gone.
  lab.poll = (element, work, everyMs = 1000) => {
    let busy = false;
    let seen = false;
    const tick = async () => {
      if (element.isConnected) seen = true;
      else if (seen) return stop();
      if (busy || !lab.visible(element)) return undefined;
      busy = true;
      try {
        await work();
      } finally {
        busy = false;
      }
      return undefined;
    };
    const timer = setInterval(tick, everyMs);
    const wake = () => document.hidden || tick();
    const stop = () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", wake);
    };
    document.addEventListener("visibilitychange", wake);
    tick();
    return { now: tick, stop };
  };

  let toasts = null;
  lab.toast = (text, kind = "info") => {
    if (!toasts) {
      toasts = lab.el("div", { class: "lab-toasts", role: "status", "aria-live": "polite" });
      document.body.append(toasts);
    }
    const toast = lab.el("div", { class: `lab-toast ${kind}`, text });
    toasts.append(toast);
    setTimeout(() => toast.remove(), kind === "error" ? 9000 : 5000);
  };

  // A question with two answers; resolves to true for the first. Escape and a click beside it mean no.
  lab.confirm = (question, yes, no = "Cancel") => new Promise((resolve) => {
    const dialog = lab.el("dialog", { class: "lab-dialog", "aria-label": question });
    const answer = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    dialog.append(
      lab.el("p", { text: question }),
      lab.el("div", { class: "lab-dialog-row" }, [
        lab.el("button", { class: "lab-button danger", text: yes, type: "button", on: { click: () => answer(true) } }),
        lab.el("button", { class: "lab-button", text: no, type: "button", autofocus: true, on: { click: () => answer(false) } }),
      ]),
    );
    dialog.addEventListener("cancel", () => answer(false));
    dialog.addEventListener("click", (event) => event.target === dialog && answer(false));
    document.body.append(dialog);
    dialog.showModal();
  });

  // Gradio's lists open again at any key that they do not know, and so stay open when Tab leaves them.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && event.target instanceof Element && event.target.matches("input[role=combobox]")) event.stopPropagation();
  }, true);

  lab.time = (seconds) => {
    const date = new Date(seconds * 1000);
    return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
  };

  const THEME = "lab.theme";
  lab.theme = (name) => {
    const chosen = name || localStorage.getItem(THEME) || "dark";
    if (name) localStorage.setItem(THEME, name);
    document.documentElement.dataset.theme = chosen;
    if (document.body) document.body.classList.toggle("dark", chosen === "dark");
    document.dispatchEvent(new CustomEvent("lab:theme", { detail: { theme: chosen } }));
  };
  lab.theme();
  document.addEventListener("DOMContentLoaded", () => lab.theme());
})();
