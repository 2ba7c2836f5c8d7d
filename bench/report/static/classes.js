// The tables of classes and of confusions, for the row that is chosen.
(() => {
  "use strict";
  const { percent, line } = window.report;
  const data = window.report.data.classes;
  if (!data) return;
  const byId = (name) => document.getElementById(`classes-${name}`);
  const [row, search, found, all, table] = ["row", "search", "found", "all", "table"].map(byId);
  const CONFUSIONS = 20;

  const names = () => data.sets[data.rows[row.value].set].names;

  function measured({ true: labels, predicted, images }) {
    const lines = names().map((name, place) => ({ place, name, images: 0, predicted: 0, right: 0 }));
    images.forEach((count, cell) => {
      lines[labels[cell]].images += count;
      lines[predicted[cell]].predicted += count;
      if (labels[cell] === predicted[cell]) lines[labels[cell]].right += count;
    });
    for (const line of lines) {
      line.recall = line.right / line.images; // 0 / 0 is NaN
      line.precision = line.right / line.predicted;
      line.f1 = (2 * line.right) / (line.images + line.predicted);
    }
    return lines;
  }

  const showClasses = window.report.sortedTable({
    table, search, found, all,
    key: "f1",
    caption: () => "Measures in %",
    cells: (each) => [each.place, each.name, each.images, ...[each.recall, each.precision, each.f1].map(percent)],
  });

  function showConfusions({ true: labels, predicted, images }, classes) {
    const wrong = [...images.keys()].filter((cell) => labels[cell] !== predicted[cell]);
    const most = wrong.sort((a, b) => images[b] - images[a] || a - b).slice(0, CONFUSIONS);
    const lines = most.map((cell) => {
      const share = images[cell] / classes[labels[cell]].images;
      return line([names()[labels[cell]], names()[predicted[cell]], images[cell], percent(share)], [0, 1]);
    });
    const confusions = byId("confusions");
    confusions.tBodies[0].replaceChildren(...lines);
    const which = wrong.length > CONFUSIONS ? `The ${CONFUSIONS} with most images, of ${wrong.length}` : "All, most images first";
    confusions.caption.textContent = wrong.length
      ? `${which}; share of the true class in %`
      : "None: no image is taken for another class";
  }

  function showRow() {
    const chosen = data.rows[row.value];
    const lines = measured(chosen);
    byId("note").textContent = chosen.note;
    showClasses(lines);
    showConfusions(chosen, lines);
  }

  row.addEventListener("change", showRow);
  search.parentElement.hidden = false;
  row.disabled = false;
  showRow();
})();
