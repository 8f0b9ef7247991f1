// Header and footer of the page, the overlay of keys, the theme switch and the words about sharing.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const KEYS = [
    ["Everywhere", [["Alt 1 … 9", "go to a tab"], ["L", "light or dark"], ["?", "this list"], ["Esc", "close what is open"]]],
    ["Data", [["A", "accept"], ["R", "reject"], ["1 – 5", "reject as artefact, implant, marker text, blur, wrong view"],
      ["U", "undo, also what was marked before a reload"], ["← → ↑ ↓", "move"], ["Space", "large view"], ["drag", "in the large view: grey level and width"],
      ["I", "invert"], ["O", "outline"], ["C", "crop box"], ["G", "next of images that look alike"]]],
    ["Train", [["← →", "earlier or later sheet"], ["Home End", "first or newest sheet"], ["Space", "play; on the box of a run: mark it to compare"]]],
    ["Explore, on the map of the latent space", [["← → ↑ ↓", "move; with Shift: select an image"], ["+ −", "nearer, farther"], ["Home", "seeds, not what lies between"],
      ["Enter", "keep the image"], ["A B", "begin or end the strip there"]]],
  ];
  const SHORT = {
    data: [["A", "accept"], ["R", "reject"], ["U", "undo"], ["Space", "zoom"], ["I", "invert"], ["?", "all keys"]],
    train: [["← →", "sheets"], ["Space", "play"], ["?", "all keys"]],
  };
  const PLAIN = [["Alt 1 … 9", "tabs"], ["?", "all keys"]];

  const key = (text) => lab.el("kbd", { class: "lab-key", text });
  const typing = (target) => target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;

  function open(title, children) {
    const dialog = lab.el("dialog", { class: "lab-dialog", "aria-label": title }, [lab.el("h2", { text: title }), ...children]);
    const close = lab.el("button", { class: "lab-button", type: "button", text: "Close", autofocus: true, on: { click: () => dialog.close() } });
    dialog.append(lab.el("div", { class: "lab-dialog-row" }, [close]));
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    document.body.append(dialog);
    dialog.showModal();
  }

  function showKeys() {
    const rows = KEYS.flatMap(([where, keys]) => [lab.el("h3", { text: where }),
      ...keys.flatMap(([name, what]) => [lab.el("dt", {}, [key(name)]), lab.el("dd", { text: what })])]);
    open("Keys", [lab.el("dl", { class: "lab-keys" }, rows)]);
  }

  lab.showKeys = showKeys;

  function showSharing() {
    open("Let others watch", [
      lab.el("p", { text: "This page stays on this computer. A second, read-only page shows supervisors the runs, their curves and their synthetic sheets; it cannot change anything and shows no real images. Start it beside this one:" }),
      lab.el("p", { text: "On this computer, or for a tunnel of your own" }),
      lab.el("code", { text: "uv run launch.py --viewer" }),
      lab.el("p", { text: "For colleagues in the same network" }),
      lab.el("code", { text: "uv run launch.py --viewer --lan --expire-hours 8" }),
    ]);
  }

  function header(element, props) {
    const root = lab.root(element);
    const { viewer } = JSON.parse(props.value);
    root.className = "lab-part lab-header";
    root.setAttribute("role", "banner");
    const chip = () => lab.el("span", { class: "lab-chip lab-hidden" });
    const [workspace, device, queue] = [chip(), chip(), chip()];
    root.replaceChildren(...[
      lab.el("span", { class: "lab-name" }, [lab.el("span", { text: "Phantom" }), lab.el("b", { text: "Lab" })]),
      workspace,
      viewer && lab.el("span", { class: "lab-chip watch", text: "read-only view" }),
      lab.el("span", { class: "lab-space" }),
      device, queue,
      lab.el("button", { class: "lab-button plain", type: "button", title: "Light or dark (L)", "aria-label": "Switch between light and dark", text: "◐", on: { click: flip } }),
      !viewer && lab.el("button", { class: "lab-button plain", type: "button", text: "Share", title: "Let others watch, read-only", on: { click: showSharing } }),
      lab.el("button", { class: "lab-button plain", type: "button", text: "?", title: "All keys (?)", "aria-label": "All keys", on: { click: showKeys } }),
    ].filter(Boolean));
    const put = (node, text) => {
      if (node.textContent !== text) node.textContent = text;
      node.classList.toggle("lab-hidden", !text);
    };
    document.addEventListener("lab:state", ({ detail }) => {
      put(workspace, `workspace · ${detail.workspace}`);
      put(device, detail.device);
      put(queue, `queue ${detail.queue_count}`);
      queue.title = detail.queue.map((job) => job.title || job.id).join("\n");
    });
  }

  const flip = () => lab.theme(document.documentElement.dataset.theme === "light" ? "dark" : "light");

  const tabs = () => [...document.querySelectorAll(".lab-tabs .tab-container:not(.visually-hidden) button[role=tab]")];

  function footer(element) {
    const root = lab.root(element);
    root.className = "lab-part lab-footer";
    root.setAttribute("role", "contentinfo");
    const keys = lab.el("span", { class: "lab-footer-keys" });
    root.replaceChildren(lab.el("span", { text: "Research use only. Not for diagnosis." }), lab.el("span", { class: "lab-space" }), keys);
    let shown = null;
    const show = () => {
      const chosen = document.querySelector(".lab-tabs button[role=tab][aria-selected=true]");
      const name = chosen ? chosen.textContent.trim().toLowerCase() : "train"; // the viewer has no tabs
      if (name === shown) return;
      shown = name;
      keys.replaceChildren(...(SHORT[name] || PLAIN).map(([text, what]) => lab.el("span", {}, [key(text), lab.el("span", { text: ` ${what}` })])));
    };
    show();
    document.addEventListener("click", () => setTimeout(show, 0));
    document.addEventListener("lab:state", show);
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.altKey && /^[1-9]$/.test(event.key)) {
      const tab = tabs()[Number(event.key) - 1];
      if (tab) {
        event.preventDefault();
        tab.click();
        tab.focus();
      }
      return;
    }
    if (event.altKey) return;
    if (event.key === "?") showKeys();
    else if (event.key === "l" || event.key === "L") flip();
    else return;
    event.preventDefault();
  });

  lab.header = { mount: header };
  lab.footer = { mount: footer };
})();
