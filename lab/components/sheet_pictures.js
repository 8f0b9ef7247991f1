// The sample sheets of one run as decoded pictures, the last ones from memory.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const KEPT_PICTURES = 12;

  lab.sheetAddress = (run, file, time) => {
    const path = file.split("/").map(encodeURIComponent).join("/");
    return `/lab/media/runs/${encodeURIComponent(run)}/${path}${time ? `?t=${encodeURIComponent(time)}` : ""}`;
  };

  // of(sheet) is an image whose promise `ready` ends when it is decoded.
  lab.sheetPictures = (run) => {
    const kept = new Map();
    const of = (sheet) => {
      const source = lab.sheetAddress(run, sheet.file, sheet.time);
      let picture = kept.get(source);
      if (picture) kept.delete(source);
      else {
        picture = new Image();
        picture.src = source;
        picture.ready = picture.decode().catch(() => { kept.delete(source); });
      }
      kept.set(source, picture);
      while (kept.size > KEPT_PICTURES) kept.delete(kept.keys().next().value);
      return picture;
    };
    return { of };
  };
})();
