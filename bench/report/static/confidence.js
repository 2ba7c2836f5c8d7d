// Which rows the figures of confidence show.
(() => {
  "use strict";
  const { data, figures, draw, make } = window.report;
  if (!data.confidence) return;
  const box = document.getElementById("confidence-rows");

  function show(key, visible) {
    for (const name of data.confidence.figures) {
      for (const trace of figures[name].data) if (trace.meta === key) trace.visible = visible;
      const element = document.getElementById(`figure-${name}`);
      if (element.dataset.drawn) draw(element, figures[name]);
    }
  }

  const [some] = data.confidence.figures;
  for (const { key, label, colour, mark } of data.confidence.rows) {
    const tick = make("input", {
      type: "checkbox",
      autocomplete: "off", // a reload draws what is first shown
      checked: figures[some].data.some((trace) => trace.meta === key && trace.visible),
    });
    tick.addEventListener("change", () => show(key, tick.checked));
    const sign = make("span", { textContent: mark, ariaHidden: "true" });
    sign.style.color = `var(${colour})`;
    box.append(make("label", {}, tick, " ", sign, " ", label));
  }
  box.hidden = data.confidence.rows.length < 2;
})();
