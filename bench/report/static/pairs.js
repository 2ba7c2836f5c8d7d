// A pair's numbers, and the images that only one of its rows got wrong.
(() => {
  "use strict";
  const { make, unpacked, table } = window.report;
  if (!window.report.data.pairs) return;
  const { groups } = window.report.data.pairs;
  const STEP = 50; // images shown at once

  const heading = (text) => make("h4", {}, text);

  const numbers = ({ top1, top5 }) =>
    table(
      top5 ? ["of the pair", "top-1", "top-5"] : ["of the pair", "top-1"],
      top1.map(([name, text], index) => (top5 ? [name, text, top5[index][1]] : [name, text])),
    );

  // The images that row A alone got wrong; `images` are the group's numbers, unpacked.
  const list = (group, images, a, b) => {
    const found = group.ids.map((_, index) => index).filter((index) => images[a].ranks[index] > 1 && images[b].ranks[index] === 1);
    const name = group.rows[a].label;
    const block = make("div", {}, heading(`Only ${name} is wrong: ${found.length} image${found.length === 1 ? "" : "s"}`));
    if (!found.length) return block;
    if (window.report.gallery) {
      const pictures = make("button", { type: "button" }, "Show them among the mistakes");
      pictures.addEventListener("click", () => window.report.gallery.show(a, b, "only-a"));
      block.append(make("p", { className: "deeds" }, pictures));
    }
    const line = (index) => [
      group.ids[index],
      group.names[images.labels[index]],
      group.names[images[a].predicted[index]],
      String(images[a].ranks[index]),
    ];
    const shown = table(["image", "true class", "taken for", "rank of the true class"], found.slice(0, STEP).map(line));
    block.append(make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `Only ${name} is wrong` }, shown));
    let next = STEP;
    if (found.length > STEP) {
      const more = make("button", { type: "button" }, `${found.length - next} more`);
      more.addEventListener("click", () => {
        const lines = table([], found.slice(next, next + STEP).map(line)).tBodies[0].rows;
        shown.tBodies[0].append(...lines);
        next += STEP;
        more.textContent = `${found.length - next} more`;
        if (next >= found.length) more.remove();
      });
      block.append(more);
    }
    return block;
  };

  const show = (place, group, pair) => {
    const { row, column } = pair;
    const images = { labels: unpacked(group.labels) };
    for (const key of [row, column]) {
      images[key] = { ranks: unpacked(group.rows[key].ranks), predicted: unpacked(group.rows[key].predicted) };
    }
    place.replaceChildren(
      make("h3", {}, `${group.rows[row].label} less ${group.rows[column].label}`),
      numbers(pair),
      list(group, images, row, column),
      list(group, images, column, row),
    );
    place.focus();
    place.scrollIntoView({ block: "nearest" });
  };

  const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  // One stop for the Tab key, from which the cursor keys move: there are hundreds of pairs.
  const onlyStop = (matrix) => {
    const buttons = [...matrix.querySelectorAll("[data-pair]")];
    const stopAt = (button) => buttons.forEach((each) => (each.tabIndex = each === button ? 0 : -1));
    stopAt(buttons[0]);
    matrix.addEventListener("focusin", ({ target }) => stopAt(target));
    matrix.addEventListener("keydown", (event) => {
      const [down, across] = ARROWS[event.key] ?? [];
      if (down === undefined || event.altKey || event.ctrlKey || event.metaKey) return; // Alt and an arrow go back
      event.preventDefault();
      const cell = event.target.closest("td");
      matrix.rows[cell.parentElement.rowIndex + down]?.cells[cell.cellIndex + across]?.querySelector("button")?.focus();
    });
  };

  document.querySelectorAll("table.pairs").forEach((matrix) => {
    const group = groups[matrix.dataset.group];
    onlyStop(matrix);
    matrix.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-pair]");
      if (!button) return;
      matrix.querySelectorAll("[aria-pressed]").forEach((each) => each.removeAttribute("aria-pressed"));
      button.setAttribute("aria-pressed", "true");
      show(document.getElementById(`pair-${matrix.dataset.group}`), group, group.pairs[button.dataset.pair]);
    });
  });
})();
