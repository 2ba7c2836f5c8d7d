// The confusion matrix of the row that is chosen: cells where there is room for them, else blocks of classes.
(() => {
  "use strict";
  const { percent } = window.report;
  const data = window.report.data.classes;
  if (!data) return;
  const figure = window.report.figures["classes-matrix"];
  const byId = (name) => document.getElementById(`classes-${name}`);
  const [row, order, plot, shown] = ["row", "order", "plot", "shown"].map(byId);
  const SIDE = 250; // cells a side that can be told apart
  const NAMED = 30; // classes a side whose counts fit, and their names
  const ROOM = 500; // pixels under which names leave too little of the matrix
  const FEWEST = 5; // classes a side when nearest
  const POWER = 0.4; // of shares as colours, so that single confusions are seen
  const TICKS = [0.01, 0.05, 0.2, 0.5, 1];
  const MOVES = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };
  const KEYS = {
    ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
    "+": "in", "=": "in", "-": "out", 0: "whole", Home: "whole",
  };
  let classes; // of the chosen row
  let part; // from where to where across and down, places in the order, the second not included

  const whole = () => ({ x: [0, classes.names.length], y: [0, classes.names.length] });
  const ordered = () => (order.value === "clustered" && classes.clustered) || classes.names.map((_, place) => place);

  // Sums of the cells in the part that is shown, by block, in plain arrays as Plotly wants them.
  function blocks(sequence) {
    const { true: labels, predicted, images } = data.rows[row.value];
    const place = [];
    sequence.forEach((index, position) => (place[index] = position));
    const [x, y] = [part.x, part.y].map(([low, high]) => {
      const step = Math.ceil((high - low) / SIDE);
      return { low, high, step, count: Math.ceil((high - low) / step) };
    });
    const sums = Array.from({ length: y.count }, () => new Array(x.count).fill(null));
    const ofClasses = new Array(y.count).fill(0);
    images.forEach((count, cell) => {
      const down = place[labels[cell]] - y.low;
      if (down < 0 || down >= y.high - y.low) return;
      const j = Math.floor(down / y.step);
      ofClasses[j] += count;
      const across = place[predicted[cell]] - x.low;
      if (across < 0 || across >= x.high - x.low) return;
      const i = Math.floor(across / x.step);
      const sum = (sums[j][i] ??= { images: 0, most: cell });
      sum.images += count;
      if (count > images[sum.most]) sum.most = cell;
    });
    return { x, y, sums, ofClasses };
  }

  function said({ images: count, most }, share) {
    const { true: labels, predicted, images } = data.rows[row.value];
    const [label, other] = [labels[most], predicted[most]].map((index) => classes.labels[index]);
    const which = label === other ? `${label}<br>right` : `${label}<br>taken for ${other}`;
    if (count === images[most]) return `${which}: ${count} images, ${percent(share)} % of the class`;
    return `${count} images, ${percent(share)} % of their classes; of them ${images[most]}:<br>${which}`;
  }

  // Ticks and title of an axis; `angle` is that of names.
  function axis({ low, high, step, count }, sequence, title, angle) {
    const places = Array.from({ length: count }, (_, block) => low + (block + 0.5) * step - 0.5);
    if (high - low > NAMED || plot.clientWidth < ROOM) {
      const text = order.value === "clustered" ? `${title}, place in the clustered order` : `${title}, by number`;
      return { places, text, ticks: { tickvals: null, ticktext: null, tickangle: 0 } };
    }
    const ticktext = places.map((place) => classes.labels[sequence[place]]);
    return { places, text: title, ticks: { tickvals: places, ticktext, tickangle: angle } };
  }

  function show() {
    const sequence = ordered();
    const { x, y, sums, ofClasses } = blocks(sequence);
    const across = axis(x, sequence, "taken for", 90);
    const down = axis(y, sequence, "true class", 0);
    const shares = sums.map((line, j) => line.map((sum) => sum && sum.images / ofClasses[j]));
    const counted = Math.max(x.high - x.low, y.high - y.low) <= NAMED;
    figure.data = [{
      type: "heatmap",
      x: across.places,
      y: down.places,
      z: shares.map((line) => line.map((share) => share && share ** POWER)),
      zmin: 0,
      zmax: 1,
      hoverongaps: false,
      hovertext: sums.map((line, j) => line.map((sum, i) => sum && said(sum, shares[j][i]))),
      hovertemplate: "%{hovertext}<extra></extra>",
      text: counted ? sums.map((line) => line.map((sum) => (sum ? `${sum.images}` : ""))) : null,
      texttemplate: counted ? "%{text}" : null,
      colorscale: [[0, "--matrix-least"], [1, "--matrix-most"]],
      colorbar: {
        orientation: "h", y: 1, yanchor: "bottom", thickness: 10, outlinewidth: 0, len: 0.8,
        title: { text: "share of the true class", side: "top" },
        tickvals: TICKS.map((share) => share ** POWER),
        ticktext: TICKS.map((share) => `${100 * share} %`),
      },
    }];
    const { xaxis, yaxis } = figure.layout;
    Object.assign(xaxis, across.ticks, { range: [x.low - 0.5, x.high - 0.5] });
    Object.assign(yaxis, down.ticks, { range: [y.high - 0.5, y.low - 0.5] });
    xaxis.title.text = across.text;
    yaxis.title.text = down.text;
    const step = Math.max(x.step, y.step);
    shown.textContent =
      `True classes ${y.low} to ${y.high - 1}, taken for ${x.low} to ${x.high - 1}, of ${classes.names.length}.` +
      (step > 1 ? ` A cell stands for ${y.step} × ${x.step} classes; nearer, for one.` : "");
    if (plot.dataset.drawn) window.report.draw(plot, figure);
  }

  // From `low` on as many places as asked for, kept inside.
  function held(low, count) {
    const most = classes.names.length;
    const length = Math.min(most, Math.max(Math.min(FEWEST, most), Math.round(count)));
    const start = Math.min(most - length, Math.max(0, Math.round(low)));
    return [start, start + length];
  }

  function zoomed([low, high], factor) {
    const length = Math.max(FEWEST, (high - low) * factor);
    return held((low + high - length) / 2, length);
  }

  function move(name) {
    if (name === "whole") part = whole();
    else if (name === "in" || name === "out") {
      const factor = name === "in" ? 0.5 : 2;
      part = { x: zoomed(part.x, factor), y: zoomed(part.y, factor) };
    } else {
      const shifted = ([low, high], way) => held(low + (way * (high - low)) / 4, high - low);
      part = { x: shifted(part.x, MOVES[name][0]), y: shifted(part.y, MOVES[name][1]) };
    }
    show();
  }

  function dragged(change) {
    const ends = (axis) => [0, 1].map((end) => change[`${axis}.range[${end}]`]);
    const [across, down] = [ends("xaxis"), ends("yaxis").reverse()];
    if ([...across, ...down].every((end) => end === undefined)) part = whole();
    else {
      const taken = ([low, high], before) =>
        low === undefined ? before : held(Math.floor(low + 0.5), Math.ceil(high + 0.5) - Math.floor(low + 0.5));
      part = { x: taken(across, part.x), y: taken(down, part.y) };
    }
    show();
  }

  function choose() {
    classes = data.sets[data.rows[row.value].set];
    order.disabled = !classes.clustered;
    if (!classes.clustered) order.value = "index";
    part = whole();
    show();
  }

  plot.addEventListener("drawn", () => plot.on("plotly_relayout", dragged));
  plot.addEventListener("keydown", (event) => {
    const name = KEYS[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(name);
  });
  document.querySelectorAll("[data-move]").forEach((button) => {
    button.addEventListener("click", () => move(button.dataset.move));
  });
  row.addEventListener("change", choose);
  order.addEventListener("change", show);
  byId("matrix").hidden = false;
  choose();
})();
