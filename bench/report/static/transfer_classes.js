// The tables of classes that transfers learnt, by the measure that is chosen.
(() => {
  "use strict";
  const { percent, sortedTable } = window.report;
  const data = window.report.data["transfer-classes"];
  if (!data) return;
  data.sets.forEach(({ names, images, told, measures }, number) => {
    const byId = (name) => document.getElementById(`transfer-classes-${number}${name}`);
    const [table, search, found, all, measure] = ["", "-search", "-found", "-all", "-measure"].map(byId);
    const keys = [...table.tHead.rows[0].cells].slice(3).map((head) => head.dataset.key);
    const chosen = () => measures[measure?.value ?? 0];
    const show = sortedTable({
      table, search, found, all,
      key: keys[0],
      caption: () => `${chosen().name} in %`,
      cells: (line) => [line.place, line.name, told[line.place], ...keys.map((key) => percent(line[key]))],
    });
    const showMeasure = () =>
      show(
        names.map((name, place) => ({
          place,
          name,
          images: images[place],
          ...Object.fromEntries(keys.map((key, row) => [key, chosen().rows[row][place] ?? NaN])),
        })),
      );
    measure?.addEventListener("change", showMeasure);
    search.closest("p").hidden = false;
    showMeasure();
  });
})();
