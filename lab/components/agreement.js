// How far two readers agree: kappa with its interval, the table, and the images to look at together.
(() => {
  "use strict";
  const lab = (window.lab = window.lab || {});
  const SIGN = { accept: "A", reject: "R" };

  const spoken = ([verdict, reason]) => (reason ? `${SIGN[verdict]} (${reason})` : SIGN[verdict]);

  // Landis and Koch, Biometrics 33 (1977) 159: words for a number, no test.
  function strength(kappa) {
    const steps = [[0.8, "almost perfect"], [0.6, "substantial"], [0.4, "moderate"], [0.2, "fair"], [0, "slight"]];
    return (steps.find(([least]) => kappa > least) || [0, "no better than chance"])[1];
  }

  function verdictOf(found) {
    if (!found.both) return "No image was judged by both yet.";
    if (found.kappa === null) return `Both gave the same verdict on all ${found.both} images: kappa is not defined then.`;
    const kappa = found.kappa.toFixed(2);
    if (found.low === null) return `Kappa ${kappa}: no disagreement on ${found.both} images. An interval needs at least one.`;
    const rough = found.both < 30 ? " Few images: the interval is rough." : "";
    return `Cohen's kappa ${kappa} (95 % interval ${found.low.toFixed(2)} to ${found.high.toFixed(2)}), ${strength(found.kappa)} (Landis and Koch), on ${found.both.toLocaleString("en")} images judged by both.${rough}`;
  }

  function table(found) {
    const { el } = lab;
    const [[a, b], [c, d]] = found.table;
    const cell = (tag, text) => el(tag, { text: String(text) });
    const head = (text) => el("th", { scope: "row", text });
    return el("table", { class: "lab-agreement-table" }, [
      el("thead", {}, [el("tr", {}, [cell("th", ""), cell("th", `${found.second}: accept`), cell("th", `${found.second}: reject`)])]),
      el("tbody", {}, [
        el("tr", {}, [head(`${found.first}: accept`), cell("td", a), cell("td", b)]),
        el("tr", {}, [head(`${found.first}: reject`), cell("td", c), cell("td", d)]),
      ]),
    ]);
  }

  function listed(found, desk) {
    const { el } = lab;
    return el("ul", { class: "lab-agreement-list" }, found.differ.slice(0, 200).map(([item, first, second, together]) =>
      el("li", {}, [
        el("img", { alt: `Image ${item}`, src: desk.picture(item), loading: "lazy" }),
        el("b", { text: item }),
        el("span", { text: `${found.first} ${spoken(first)} · ${found.second} ${spoken(second)}` }),
        el("i", { text: together[0] === "none" ? "open" : `together ${spoken(together)}` }),
      ])));
  }

  async function fill(holder, grid, first, second, close) {
    const { el } = lab;
    const { desk } = grid;
    const { kind, id } = grid.state.selected;
    const about = new URLSearchParams({ first, second });
    let found;
    try {
      found = await lab.get(`/lab/review${desk.base(kind, id).slice(4)}/agreement?${about}`);
    } catch (error) {
      holder.replaceChildren(el("p", { text: [error.words, error.advice].filter(Boolean).join(" ") }));
      return;
    }
    const parts = [el("p", { "data-kappa": true, text: verdictOf(found) })];
    if (found.both) parts.push(table(found));
    if (found.differ.length) {
      const open = found.differ.filter(([, , , together]) => together[0] === "none").length;
      parts.push(
        el("h3", { text: `${found.differ.length} to look at together, ${open} open` }), listed(found, desk),
        el("button", {
          type: "button", class: "lab-button", "data-together": true, text: "Look at them together", on: {
            click: () => {
              close();
              together(grid, found);
            },
          },
        }),
      );
    }
    holder.replaceChildren(...parts);
  }

  // Both sit down at one page: what they mark now is their consensus.
  async function together(grid, found) {
    await grid.desk.readAs(lab.marks.CONSENSUS);
    grid.state.together = new Map(found.differ.map(([item, first, second]) => [item, `${found.first} ${spoken(first)} · ${found.second} ${spoken(second)}`]));
    grid.only = { text: `${found.differ.length} where ${found.first} and ${found.second} differ`, has: (item) => grid.state.together.has(item) };
    grid.resort(true);
    grid.go(0);
  }

  function open(grid) {
    const { el } = lab;
    const { kind, id } = grid.state.selected;
    if (!id) return;
    const dialog = el("dialog", { class: "lab-dialog lab-agreement", "aria-label": "Agreement of two readers" });
    const close = () => {
      dialog.close();
      dialog.remove();
    };
    const holder = el("div", {});
    dialog.append(
      el("h2", { text: "Agreement of two readers" }),
      el("p", { class: "lab-agreement-note", text: "This shows what both have marked: open it when both have finished. For an image set the verdict made together holds; without one, the last that any reader gave." }),
      holder, el("div", { class: "lab-dialog-row" }, [el("button", { class: "lab-button", type: "button", text: "Close", on: { click: close } })]),
    );
    dialog.addEventListener("cancel", close);
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    document.body.append(dialog);
    dialog.showModal();
    choose(holder, grid, kind, id, close);
  }

  async function choose(holder, grid, kind, id, close) {
    const { el } = lab;
    const said = await lab.get(`/lab/review${grid.desk.base(kind, id).slice(4)}/marks?by=${lab.marks.CONSENSUS}`).catch(() => ({ readers: {} }));
    const names = Object.keys(said.readers);
    if (names.length < 2) {
      const one = names.length ? `Only ${names[0] === "owner" ? "one reader without a name" : names[0]} has marked images here.` : "Nobody has marked an image here yet.";
      holder.replaceChildren(el("p", { text: `${one} Each reader types a name under “Reading as” and marks the same images; neither sees the other's marks.` }));
      return;
    }
    const pick = (label, chosen) =>
      el("select", { "aria-label": label }, names.map((value) => el("option", { value, selected: value === chosen, text: `${value === "owner" ? "without a name" : value} (${said.readers[value]})` })));
    const mine = names.includes(grid.state.reader) ? grid.state.reader : names[0];
    const [first, second] = [pick("First reader", mine), pick("Second reader", names.find((name) => name !== mine && name !== "owner") || names.find((name) => name !== mine))];
    const result = el("div", { "aria-live": "polite" });
    const show = () => fill(result, grid, first.value, second.value, close);
    for (const select of [first, second]) select.addEventListener("change", show);
    holder.replaceChildren(el("div", { class: "lab-dialog-row lab-agreement-names" }, [first, el("span", { text: "and" }), second]), result);
    await show();
  }

  lab.agreement = { open };
})();
