// Ends an animation loop of Gradio's that never ends by itself: its status tracker counts seconds sixty times a second,
// even after it has left the page (Gradio 6.20), and that keeps every open page at work. Nothing here shows its counter.
(() => {
  "use strict";
  const next = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) => (/\/statustracker-/.test(new Error().stack || "") ? 0 : next(callback));
})();
