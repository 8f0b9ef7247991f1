// Saves a drawing of the page as a PNG of twice its size, in the colours that it has on the page.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SCALE = 2;
  const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family"];

  // The drawing with its styles written into it: outside the page there is no style sheet.
  function alone(svg, width, height) {
    const copy = svg.cloneNode(true);
    const originals = svg.querySelectorAll("*");
    copy.querySelectorAll("*").forEach((node, place) => {
      const style = getComputedStyle(originals[place]);
      for (const name of STYLES) node.style.setProperty(name, style.getPropertyValue(name));
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", String(width));
    copy.setAttribute("height", String(height));
    return new XMLSerializer().serializeToString(copy);
  }

  lab.savePicture = async (svg, name) => {
    const { width, height } = svg.getBoundingClientRect();
    const source = URL.createObjectURL(new Blob([alone(svg, width, height)], { type: "image/svg+xml" }));
    try {
      const picture = new Image();
      picture.src = source;
      await picture.decode();
      const canvas = lab.el("canvas", { width: Math.round(SCALE * width), height: Math.round(SCALE * height) });
      const pen = canvas.getContext("2d");
      pen.fillStyle = getComputedStyle(svg).backgroundColor;
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const link = lab.el("a", { href: canvas.toDataURL("image/png"), download: name });
      link.click();
    } finally {
      URL.revokeObjectURL(source);
    }
  };
})();
