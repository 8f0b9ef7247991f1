// One candidate of the grid: thumbnail, found outline and crop box, score, reason, verdict.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SVG = "http://www.w3.org/2000/svg";
  const REASONS = ["artefact", "implant", "marker text", "blur", "wrong view"];

  // The overlay has the picture's own proportions, so that it fits wherever the picture is fitted.
  function overlay() {
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("aria-hidden", "true");
    drawing.setAttribute("preserveAspectRatio", "xMidYMid meet");
    const outline = document.createElementNS(SVG, "polygon");
    outline.setAttribute("class", "lab-outline");
    const crop = document.createElementNS(SVG, "rect");
    crop.setAttribute("class", "lab-crop");
    drawing.append(outline, crop);
    return { drawing, outline, crop };
  }

  function trace(lines, detail) {
    const { drawing, outline, crop } = lines;
    const shown = Boolean(detail && detail.width);
    drawing.style.display = shown ? "" : "none";
    if (!shown) return;
    const longest = Math.max(detail.width, detail.height);
    const width = (256 * detail.width) / longest;
    const height = (256 * detail.height) / longest;
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const points = (detail.outline || []).map(([x, y]) => `${(x * width).toFixed(1)},${(y * height).toFixed(1)}`);
    outline.setAttribute("points", points.join(" "));
    const box = detail.crop || [];
    const [x, y, w, h] = box.every(Number.isFinite) && box.length === 4 ? box : [0, 0, 0, 0]; // none was found
    crop.setAttribute("x", String(x * width));
    crop.setAttribute("y", String(y * height));
    crop.setAttribute("width", String(w * width));
    crop.setAttribute("height", String(h * height));
  }

  function create() {
    const { el } = lab;
    const image = el("img", { alt: "", decoding: "async", draggable: "false" });
    const lines = overlay();
    const button = (act, sign, name) =>
      el("button", { type: "button", tabindex: "-1", "data-act": act, title: `${name} (${sign})`, "aria-label": `${name} this image`, text: sign });
    const buttons = el("div", { class: "lab-tile-buttons" }, [button("accept", "A", "Accept"), button("reject", "R", "Reject")]);
    const badge = el("span", { class: "lab-alike", hidden: true, title: "Near-duplicates: their canonical crops look the same. G goes to the next" });
    const frame = el("div", { class: "lab-frame" }, [image, lines.drawing, badge, buttons]);
    const [score, reason, verdict] = ["b", "span", "i"].map((tag) => el(tag));
    const caption = el("div", { class: "lab-caption" }, [score, reason, verdict]);
    // A thumbnail that cannot be read leaves a word, not a broken picture.
    image.addEventListener("error", () => frame.classList.add("lab-missing"));
    image.addEventListener("load", () => frame.classList.remove("lab-missing"));
    const tile = el("div", { class: "lab-tile", role: "option" }, [frame, caption]);
    return { tile, image, lines, score, reason, verdict, badge, address: "", traced: undefined };
  }

  function fill(part, index, state, current) {
    const { data, session } = state;
    const item = data.items[index];
    // By its address: a catalogue and a set made of it may share their id and their items.
    const address = lab.curation.picture(item);
    if (part.address !== address) {
      part.address = address;
      part.traced = undefined;
      part.tile.dataset.item = item;
      part.image.removeAttribute("src"); // never the last picture under the new name
      part.image.src = address;
    }
    const [verdict, why] = session.verdicts.get(item) || ["none", ""];
    const detail = session.details.get(item) || null;
    if (part.traced !== detail) {
      part.traced = detail;
      trace(part.lines, detail);
    }
    const said = verdict === "none" ? "" : verdict === "accept" ? "A" : "R";
    const together = (state.together && state.together.get(item)) || ""; // what both readers said
    const reason = why || together || data.reasons[data.reason[index]] || "";
    const group = lab.curation.alike(index);
    part.badge.hidden = !group;
    part.badge.textContent = group ? `${group.indexOf(index) + 1} of ${group.length} alike` : "";
    part.tile.dataset.verdict = verdict;
    part.tile.dataset.kept = state.kept[index] ? "yes" : "no";
    part.tile.tabIndex = current ? 0 : -1;
    part.tile.setAttribute("aria-selected", String(current));
    part.score.textContent = data.scores[index].toFixed(2);
    part.reason.textContent = reason;
    part.reason.title = reason;
    part.verdict.textContent = said;
    const label = data.labels[data.label[index]] || "";
    const spoken = { accept: "accepted", reject: "rejected", none: state.kept[index] ? "kept by score" : "left out by score" };
    part.tile.setAttribute(
      "aria-label",
      [`Image ${item}`, label, `shape confidence ${data.scores[index].toFixed(2)}`, reason, part.badge.textContent, spoken[verdict]].filter(Boolean).join(", "),
    );
  }

  lab.tile = { create, fill, overlay, trace, REASONS };
})();
