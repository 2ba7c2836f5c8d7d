// The tables of classes and of confusions, for the row that is chosen.
(() => {
  "use strict";
  const { percent, make } = window.report;
  const data = window.report.data.classes;
  if (!data) return;
  const byId = (name) => document.getElementById(`classes-${name}`);
  const [row, search, found, table] = ["row", "search", "found", "table"].map(byId);
  const FIRST = 100; // lines of a table before somebody asks for all
  const CONFUSIONS = 20;
  const collator = new Intl.Collator("en", { numeric: true });
  const state = { lines: [], key: "f1", descending: false, all: false };

  const names = () => data.sets[data.rows[row.value].set].names;

  function measured({ true: labels, predicted, images }) {
    const lines = names().map((name, place) => ({ place: place + 1, name, images: 0, predicted: 0, right: 0 }));
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

  function sorted(lines) {
    const { key, descending } = state;
    const sign = descending ? -1 : 1;
    const between = key === "name" ? (a, b) => collator.compare(a.name, b.name) : (a, b) => a[key] - b[key];
    const defined = lines.filter((line) => !Number.isNaN(line[key]));
    const undefinedOnes = lines.filter((line) => Number.isNaN(line[key])); // last, whichever way
    return [...defined.sort((a, b) => sign * between(a, b) || a.place - b.place), ...undefinedOnes];
  }

  const line = (cells, named) =>
    make(
      "tr",
      {},
      ...cells.map((text, place) =>
        make("td", { className: named.includes(place) ? "name" : "right" }, make("bdi", {}, String(text))),
      ),
    );

  function showClasses() {
    const wanted = search.value.trim().toLowerCase();
    const matching = sorted(state.lines.filter(({ name }) => name.toLowerCase().includes(wanted)));
    const visible = state.all ? matching : matching.slice(0, FIRST);
    const cells = visible.map((each) =>
      line([each.place, each.name, each.images, ...[each.recall, each.precision, each.f1].map(percent)], [1])
    );
    table.tBodies[0].replaceChildren(...cells);
    table.caption.textContent = "Measures in %";
    const less = visible.length < matching.length;
    byId("all").hidden = !less;
    found.textContent = `${matching.length} of ${state.lines.length} classes${less ? `, the first ${FIRST} shown` : ""}`;
  }

  function showConfusions({ true: labels, predicted, images }) {
    const wrong = [...images.keys()].filter((cell) => labels[cell] !== predicted[cell]);
    const most = wrong.sort((a, b) => images[b] - images[a] || a - b).slice(0, CONFUSIONS);
    const lines = most.map((cell) => {
      const share = images[cell] / state.lines[labels[cell]].images;
      return line([names()[labels[cell]], names()[predicted[cell]], images[cell], percent(share)], [0, 1]);
    });
    const confusions = byId("confusions");
    confusions.tBodies[0].replaceChildren(...lines);
    const which = wrong.length > CONFUSIONS ? `The ${CONFUSIONS} with most images, of ${wrong.length}` : "All";
    confusions.caption.textContent = wrong.length
      ? `${which}; share of the true class in %`
      : "None: no image is taken for another class";
  }

  function showRow() {
    const chosen = data.rows[row.value];
    state.lines = measured(chosen);
    byId("note").textContent = chosen.note;
    showClasses();
    showConfusions(chosen);
  }

  function sortBy(head) {
    const key = head.dataset.key;
    state.descending = key === state.key ? !state.descending : false;
    state.key = key;
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
    showClasses();
  }

  for (const head of table.tHead.rows[0].cells) {
    const button = make("button", { type: "button" }, head.textContent);
    button.addEventListener("click", () => sortBy(head));
    head.replaceChildren(button);
  }
  search.addEventListener("input", showClasses);
  byId("all").addEventListener("click", () => {
    state.all = true;
    showClasses();
  });
  row.addEventListener("change", showRow);
  search.parentElement.hidden = false;
  showRow();
})();
