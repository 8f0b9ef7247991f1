// Hands a text to the browser as a file to keep, without a way through the server.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});

  lab.saveText = ({ name, text, said, type = "application/json" }) => {
    const link = lab.el("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    lab.toast(said, "good");
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
})();
