// The gallery of mistakes: filters over all of them, cards in portions, a dialog with what every row says of an image.
(() => {
  "use strict";
  const form = document.getElementById("mistakes-filters");
  if (!form) return;
  const PORTION = 48;
  const { make, table, unpacked } = window.report;
  const sets = window.report.data.mistakes.sets.map((set) => ({ ...set, labels: unpacked(set.labels) }));
  const rows = window.report.data.mistakes.rows.map((row) => ({
    ...row,
    places: Array.from(unpacked(row.places)),
    predicted: unpacked(row.predicted),
    confidence: unpacked(row.confidence),
    rank: unpacked(row.rank),
    truths: row.truths && unpacked(row.truths),
  }));
  const field = form.elements;
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const [count, cards, more, dialog] = ["mistakes-count", "mistakes-cards", "mistakes-more", "mistake"].map((id) =>
    document.getElementById(id),
  );
  let shown = { places: [], rows: [], next: 0 };

  // What a row says of an image; undefined where it is right.
  const mistake = (row, place) => {
    if (!row.at) {
      row.at = new Int32Array(sets[row.set].ids.length).fill(-1);
      row.places.forEach((each, k) => (row.at[each] = k));
    }
    const k = row.at[place];
    return k < 0 ? undefined : { predicted: row.predicted[k], confidence: row.confidence[k], rank: row.rank[k] };
  };
  const wrong = (row, place) => mistake(row, place) !== undefined;
  const truth = (row, place) => (row.truths && wrong(row, place) ? row.truths[row.at[place]] : sets[row.set].labels[place]);
  const percent = (confidence) => `${(confidence / 10).toFixed(1)} %`;

  // Images by the two rows, those that a row is surest of first.
  const chosen = (a, b, which) => {
    const onlyA = () => a.places.filter((place) => !wrong(b, place));
    const onlyB = () => b.places.filter((place) => !wrong(a, place));
    const surest = (place) => (mistake(a, place) ?? mistake(b, place)).confidence;
    switch (b ? which : "a") {
      case "a":
        return [a.places, b ? [a, b] : [a]];
      case "only-a":
        return [onlyA(), [a, b]];
      case "only-b":
        return [onlyB(), [b, a]];
      case "both":
        return [a.places.filter((place) => wrong(b, place)), [a, b]];
      default:
        return [[...onlyA(), ...onlyB()].sort((one, other) => surest(other) - surest(one)), [a, b]];
    }
  };

  // Which classes a text means: the one of this name, else all whose names hold it; undefined for no text.
  const classes = (text, names) => {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return undefined;
    const found = names.flatMap((name, index) => (name.toLowerCase() === wanted ? [index] : []));
    return new Set(found.length ? found : names.flatMap((name, index) => (name.toLowerCase().includes(wanted) ? [index] : [])));
  };

  const filtered = (places, of) => {
    const set = sets[of[0].set];
    const truths = classes(field.truth.value, set.classes);
    const predicted = classes(field.predicted.value, set.classes);
    const id = field.id.value.trim().toLowerCase();
    const found = places.filter(
      (place) =>
        (!truths || of.some((row) => truths.has(truth(row, place)))) &&
        (!predicted || of.some((row) => predicted.has(mistake(row, place)?.predicted))) &&
        (!id || set.ids[place].toLowerCase().includes(id)) &&
        (!field.pictured?.checked || place in set.pictures),
    );
    if (field.order.value === "unsure") return found.reverse();
    if (field.order.value === "surest") return found;
    const worst = (place) => Math.max(...of.map((row) => mistake(row, place)?.rank ?? 0));
    return found.sort((one, other) => worst(other) - worst(one));
  };

  const says = (row, place) => {
    const found = mistake(row, place);
    const set = sets[row.set];
    return found
      ? `${percent(found.confidence)} ${set.classes[found.predicted]}, true class at rank ${found.rank}`
      : "right";
  };

  // "ID: truth X, predicted Y (83.1 %)"
  const described = (row, place) => {
    const { classes, ids } = sets[row.set];
    const { predicted, confidence } = mistake(row, place);
    return `${ids[place]}: truth ${classes[truth(row, place)]}, predicted ${classes[predicted]} (${percent(confidence)})`;
  };

  // The score map of the first of the rows that is wrong and kept one; `which` is "predicted", "truth" or empty.
  const scoreMap = (of, place, which) => {
    const kept = sets[of[0].set].maps[place] ?? {};
    const row = of.find((each) => kept[each.key]);
    return row && which && { ...kept[row.key][which], row, which };
  };

  const mapText = ({ row, which, most }, place) => {
    const found = which === "predicted" ? mistake(row, place).predicted : truth(row, place);
    return `score map of ${sets[row.set].classes[found]}, at most ${percent(most)}`;
  };

  const picture = (of, place, which = field.map?.value) => {
    const address = sets[of[0].set].pictures[place];
    const row = of.find((each) => wrong(each, place));
    if (!address) {
      const text = make("span", { className: "unseen" }, `${described(row, place)}: `);
      return make("span", { className: "nothing" }, text, "no picture");
    }
    const image = make("img", { src: address, alt: described(row, place) });
    const map = scoreMap(of, place, which);
    if (!map) return make("span", { className: "picture" }, image);
    return make("span", { className: "picture mapped" }, image, make("img", { src: map.address, alt: mapText(map, place) }));
  };

  const lines = (of, place) => {
    const row = of.find((each) => wrong(each, place));
    const set = sets[row.set];
    const map = set.pictures[place] && scoreMap(of, place, field.map?.value);
    return [
      make("span", { className: "id", title: set.ids[place] }, set.ids[place]),
      make("span", { className: "truth" }, `is ${set.classes[truth(row, place)]}`),
      ...of.map((each) => make("span", { className: "said" }, of.length > 1 ? `${each.key.slice(3)}: ${says(each, place)}` : says(each, place))),
      ...(map ? [make("span", { className: "said" }, mapText(map, place))] : []),
    ];
  };

  const card = (of, place) => {
    const button = make("button", { type: "button", className: "thumbnail" }, picture(of, place));
    button.setAttribute("aria-haspopup", "dialog");
    button.addEventListener("click", () => open(of, place));
    return make("li", {}, button, ...lines(of, place));
  };

  const open = (of, place) => {
    const set = sets[of[0].set];
    const row = of.find((each) => wrong(each, place));
    const large = make("div", { className: "large" }, picture(of, place));
    const close = make("button", { type: "button" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const all = rows.filter((each) => each.set === row.set).map((each) => line(each, place));
    const said = table(["row", "predicted", "confidence", "rank of the true class"], all);
    dialog.replaceChildren(
      make("h3", { id: "mistake-title" }, set.ids[place]),
      large,
      ...(set.pictures[place] && scoreMap(of, place, "predicted") ? [switches(large, of, place)] : []),
      make("p", {}, `True class: ${set.classes[truth(row, place)]}`),
      make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "What each row says" }, said),
      make("p", { className: "deeds" }, close),
    );
    dialog.showModal();
  };

  // Buttons that lay a score map over the large picture, with what it shows in words.
  const switches = (large, of, place) => {
    const texts = { "": "off", predicted: "predicted class", truth: "true class" };
    const told = make("span", { className: "said" });
    const buttons = Object.entries(texts).map(([which, text]) => {
      const button = make("button", { type: "button" }, text);
      button.addEventListener("click", () => press(which));
      return [which, button];
    });
    const press = (wanted) => {
      large.replaceChildren(picture(of, place, wanted));
      const map = scoreMap(of, place, wanted);
      told.textContent = map ? `${map.row.label}: ${mapText(map, place)}; black is 0, pale yellow the most` : "";
      for (const [which, button] of buttons) button.setAttribute("aria-pressed", String(which === wanted));
    };
    press(field.map?.value ?? "");
    const group = make("p", { role: "group", ariaLabel: "Score map", className: "switches" }, "Score map: ", ...buttons.map(([, button]) => button));
    group.append(" ", told);
    told.setAttribute("aria-live", "polite");
    return group;
  };

  const line = (row, place) => {
    const found = mistake(row, place);
    if (!found) return [row.label, "right", "", "1"];
    return [row.label, sets[row.set].classes[found.predicted], percent(found.confidence), String(found.rank)];
  };

  const draw = () => {
    const a = byKey.get(field.a.value);
    const b = field.b && byKey.get(field.b.value);
    const [places, of] = chosen(a, b, field.which?.value);
    shown = { places: filtered(places, of), rows: of, next: 0, among: places.length };
    cards.replaceChildren();
    portion();
  };

  const told = () => {
    const [a, b] = [field.a, field.b].map((each) => (each?.value ? each.value.slice(3) : ""));
    const which = field.which?.disabled ? "a" : field.which?.value;
    return {
      "only-a": `Only row ${a}, not row ${b}, is wrong on`,
      "only-b": `Only row ${b}, not row ${a}, is wrong on`,
      differ: `One of rows ${a} and ${b} is wrong on`,
      both: `Rows ${a} and ${b} are both wrong on`,
    }[which] ?? `Row ${a} is wrong on`;
  };

  const portion = () => {
    const { places, rows: of, next, among } = shown;
    cards.append(...places.slice(next, next + PORTION).map((place) => card(of, place)));
    shown.next = Math.min(next + PORTION, places.length);
    more.hidden = shown.next === places.length;
    more.textContent = `Show ${Math.min(PORTION, places.length - shown.next)} more`;
    const match = places.length === among ? "" : `, ${places.length} of which match`;
    count.textContent = `${told()} ${among} image${among === 1 ? "" : "s"}${match}${places.length > shown.next ? `; ${shown.next} are shown` : ""}`;
  };

  // What depends on row A: B is on the same images, and classes are named as there.
  const prepare = () => {
    const { key, set } = byKey.get(field.a.value);
    for (const option of field.b?.options ?? []) {
      option.disabled = option.value !== "" && (option.value === key || byKey.get(option.value).set !== set);
    }
    if (field.b?.selectedOptions[0]?.disabled) field.b.value = "";
    if (field.which) field.which.disabled = !field.b.value;
    const list = document.getElementById("mistakes-classes");
    if (list.dataset.set === String(set)) return;
    list.dataset.set = String(set);
    list.replaceChildren(...sets[set].classes.map((name) => make("option", { value: name })));
  };

  const update = () => {
    prepare();
    const legend = document.getElementById("mistakes-legend");
    if (legend) legend.hidden = !field.map.value;
    draw();
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(update));
  more.addEventListener("click", () => {
    const first = shown.next;
    portion();
    if (more.hidden) cards.children[first].querySelector("button").focus();
  });

  // Rows by their keys; `which` is "a", "only-a", "only-b", "differ" or "both". For other sections' scripts.
  const show = (a, b = "", which = "a") => {
    form.reset();
    Object.assign(field.a, { value: a });
    if (field.b) {
      prepare();
      Object.assign(field.b, { value: b });
      field.which.value = which;
    }
    update();
    document.getElementById("mistakes").scrollIntoView();
    field.a.focus({ preventScroll: true });
  };
  window.report.gallery = { show };
  update();
})();
