// Tables that are sorted by a click on a column's head and searched by name.
(() => {
  "use strict";
  const { make } = window.report;
  const FIRST = 100; // lines of a table before somebody asks for all
  const collator = new Intl.Collator("en", { numeric: true });

  // `table` has heads with the keys of lines in data-key, and `cells` makes a line's texts, of which the second is a
  // name; `search`, `found` and `all` are the controls above it. Lines have `place` and `name`; NaN is in no order.
  // What comes back takes the lines.
  window.report.sortedTable = ({ table, search, found, all, cells, key, caption }) => {
    const state = { lines: [], key, descending: false, all: false };
    const heads = [...table.tHead.rows[0].cells];

    function sorted(lines) {
      const sign = state.descending ? -1 : 1;
      const between =
        state.key === "name" ? (a, b) => collator.compare(a.name, b.name) : (a, b) => a[state.key] - b[state.key];
      const defined = lines.filter((line) => !Number.isNaN(line[state.key]));
      const undefinedOnes = lines.filter((line) => Number.isNaN(line[state.key])); // last, whichever way
      return [...defined.sort((a, b) => sign * between(a, b) || a.place - b.place), ...undefinedOnes];
    }

    function show() {
      const wanted = search.value.trim().toLowerCase();
      const matching = sorted(state.lines.filter(({ name }) => name.toLowerCase().includes(wanted)));
      const visible = state.all ? matching : matching.slice(0, FIRST);
      table.tBodies[0].replaceChildren(...visible.map((line) => window.report.line(cells(line), [1])));
      table.caption.textContent = caption();
      const less = visible.length < matching.length;
      all.hidden = !less;
      found.textContent = `${matching.length} of ${state.lines.length} classes${less ? `, the first ${FIRST} shown` : ""}`;
    }

    function sortBy(head) {
      state.descending = head.dataset.key === state.key ? !state.descending : false;
      state.key = head.dataset.key;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      show();
    }

    for (const head of heads) {
      const button = make("button", { type: "button" }, ...head.childNodes);
      button.addEventListener("click", () => sortBy(head));
      head.replaceChildren(button);
    }
    search.addEventListener("input", show);
    all.addEventListener("click", () => {
      state.all = true;
      show();
    });
    return (lines) => {
      state.lines = lines;
      show();
    };
  };

  // A line of a table; `named` are the places of cells that hold names.
  window.report.line = (cells, named) =>
    make(
      "tr",
      {},
      ...cells.map((text, place) =>
        named.includes(place)
          ? make("td", { className: "name" }, make("bdi", {}, text))
          : make("td", { className: "right", textContent: text }),
      ),
    );
})();
