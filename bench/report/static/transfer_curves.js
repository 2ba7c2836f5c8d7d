// Precision by recall of the row and the class that are chosen, average precision by VOC's rules, false positives.
(() => {
  "use strict";
  const { percent, make, table, unpacked, draw, figures } = window.report;
  const data = window.report.data["transfer-curves"];
  if (!data) return;
  const byId = (name) => document.getElementById(`transfer-curves-${name}`);
  const { row, class: chosen, beside, others } = byId("choice").elements;
  const plot = byId("plot");
  const empty = figures["transfer-curves-plot"];
  const TENTHS = Array.from({ length: 11 }, (_, tenths) => tenths);
  const rows = new Map(); // by index, unpacked

  // A row's lists: of each class its curve and its false positives.
  function opened(index) {
    if (!rows.has(index)) {
      const packed = data.rows[index];
      const names = ["points", "found", "taken", "counted", "wrong", "wrongImages", "wrongPlaces"];
      const numbers = Object.fromEntries(names.map((name) => [name, unpacked(packed[name])]));
      let [point, image] = [0, 0];
      const classes = Array.from(numbers.points, (points, place) => {
        const wrong = numbers.wrong[place];
        const own = {
          ...curve(numbers.found.slice(point, point + points), numbers.taken.slice(point, point + points)),
          counted: numbers.counted[place],
          wrongImages: numbers.wrongImages.slice(image, image + wrong),
          wrongPlaces: numbers.wrongPlaces.slice(image, image + wrong),
        };
        [point, image] = [point + points, image + wrong];
        return own;
      });
      rows.set(index, { ...packed, classes });
    }
    return rows.get(index);
  }

  // `best` is the precision at a recall or a higher one; where a class has no image all is empty and NaN.
  function curve(found, taken) {
    const images = found.length ? found[found.length - 1] : 0;
    const precision = Array.from(found, (count, place) => count / taken[place]);
    const best = [...precision];
    for (let place = best.length - 2; place >= 0; place--) best[place] = Math.max(best[place], best[place + 1]);
    const at = TENTHS.map((tenths) => best[found.findIndex((count) => 10 * count >= tenths * images)] ?? NaN);
    let area = 0;
    best.forEach((share, place) => (area += share * (found[place] - (found[place - 1] ?? 0))));
    return {
      images,
      recall: Array.from(found, (count) => count / images),
      precision,
      best,
      at,
      eleven: at.reduce((sum, share) => sum + share, 0) / TENTHS.length,
      area: area / images, // 0 / 0 is NaN
    };
  }

  const inPercent = (shares) => shares.map((share) => 100 * share);
  const stepped = ({ recall, best }) => ({ x: inPercent([0, ...recall]), y: inPercent([best[0], ...best]) });
  const HOVER = { hovertemplate: "recall %{x:.1f} %, precision %{y:.1f} %<extra></extra>" };

  // Where a row's other classes are, as one line with gaps.
  function faint({ classes }, without) {
    const [x, y] = [[], []];
    classes.forEach((each, place) => {
      if (place === without || !each.images) return;
      const line = stepped(each);
      x.push(...line.x, null);
      y.push(...line.y, null);
    });
    const line = { shape: "vh", color: "--edge", width: 1 };
    return { type: "scatter", mode: "lines", name: "the other classes", x, y, line, opacity: 0.55, hoverinfo: "skip" };
  }

  const line = (own, name, color, dash) => ({
    type: "scatter", mode: "lines", name, ...stepped(own), line: { shape: "vh", color, dash, width: 3 }, ...HOVER,
  });

  const measured = (own) => ({
    type: "scatter", mode: "markers", name: "as measured", x: inPercent(own.recall), y: inPercent(own.precision),
    marker: { color: "--ink", size: 3 }, cliponaxis: false, ...HOVER,
  });

  const points = (own) => ({
    type: "scatter", mode: "markers", name: "11 points", x: TENTHS.map((tenths) => 10 * tenths), y: inPercent(own.at),
    marker: { color: "--series-2", symbol: "diamond", size: 9 }, cliponaxis: false, ...HOVER,
  });

  const label = ({ label: text }) => `row ${text.split(".", 1)[0]}`;

  function said(of, own, name) {
    if (!own.images) return `${name}, row ${of.label}: no test image is of this class.`;
    const rules = of.eleven
      ? `${percent(own.eleven)} % by 11 points, ${percent(own.area)} % by area`
      : `${percent(own.area)} % by area`;
    return `${name}, row ${of.label}: average precision ${rules}; ${own.images} of ${own.counted} images are of the class.`;
  }

  function show() {
    const first = opened(Number(row.value));
    const second = beside.value === "" ? null : opened(Number(beside.value));
    const { names, images } = data.sets[first.set];
    const place = Number(chosen.value);
    const [own, other] = [first.classes[place], second?.classes[place]];
    const traces = others.checked && first.classes.length > 1 ? [faint(first, place)] : [];
    if (own.images) traces.push(measured(own), line(own, `best at that recall or higher, ${label(first)}`, "--series-1", "solid"));
    if (other?.images) traces.push(line(other, label(second), "--series-3", "dash"));
    if (own.images && first.eleven) traces.push(points(own));
    const figure = { ...empty, data: traces };
    figures["transfer-curves-plot"] = figure;
    if (plot.dataset.drawn) draw(plot, figure);
    byId("said").textContent = [[first, own], ...(second ? [[second, other]] : [])]
      .map(([of, each]) => said(of, each, names[place]))
      .join(" ");
    const told = [[first, own], ...(second ? [[second, other]] : [])];
    byId("numbers").replaceChildren(
      table(
        ["recall from, %", ...told.map(([of]) => `best precision, %, ${label(of)}`)],
        TENTHS.map((tenths) => [String(10 * tenths), ...told.map(([, each]) => percent(each.at[tenths]))]),
      ),
    );
    showWrong(own, names, images);
  }

  function showWrong(own, names, images) {
    const lines = Array.from(own.wrongImages, (image, index) => [
      String(own.wrongPlaces[index]),
      images.ids[image],
      images.classes[image].map((each) => names[each]).join(", ") || "none of the classes",
    ]);
    const listed = table(["place in the list", "image", "is of"], lines);
    byId("wrong").replaceChildren(lines.length ? listed : make("p", {}, "Every image that counts is of the class."));
  }

  const options = (select, texts) =>
    select.replaceChildren(...texts.map(([value, text]) => make("option", { value: String(value) }, text)));

  // The classes and the other rows that the chosen row leaves to choose from.
  function showRow() {
    const [index, kept, { set }] = [Number(row.value), [chosen.value, beside.value], data.rows[row.value]];
    options(chosen, data.sets[set].names.map((name, place) => [place, name]));
    const like = [...data.rows.keys()].filter((each) => each !== index && data.rows[each].set === set);
    options(beside, [["", "no other row"], ...like.map((each) => [each, data.rows[each].label])]);
    [chosen, beside].forEach((select, place) => {
      select.value = kept[place];
      if (select.selectedIndex < 0) select.selectedIndex = 0;
    });
    beside.closest("label").hidden = !like.length;
    show();
  }

  row.addEventListener("change", showRow);
  for (const each of [chosen, beside, others]) each.addEventListener("change", show);
  byId("choice").addEventListener("submit", (event) => event.preventDefault());
  showRow();
})();
