// What all sections share: their data, figures drawn as they come into view in the page's colours, signatures.
(() => {
  "use strict";
  const { data, figures } = JSON.parse(document.getElementById("report-data").textContent);
  const drawn = new Map();

  // Colours in figures are names of CSS variables, so that each theme has its own.
  const themed = (value, name = "") => {
    if (typeof value === "string" && /color|scale/.test(name) && value.startsWith("--")) {
      return getComputedStyle(document.documentElement).getPropertyValue(value).trim();
    }
    if (Array.isArray(value)) return value.map((each) => themed(each, name));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, themed(each, /scale/.test(name) ? name : key)]));
    }
    return value;
  };

  const draw = (element) => {
    const figure = drawn.get(element) ?? figures[element.dataset.figure];
    drawn.set(element, figure);
    const { data, layout } = themed(figure);
    const { clientWidth: width, clientHeight: height } = element; // paper has others than the screen
    const sized = { ...layout, width, height };
    Plotly.react(element, data, sized, { responsive: true, displaylogo: false, displayModeBar: false });
    delete sized.width; // else it would keep both when the window changes
    delete sized.height;
    if (element.dataset.drawn) return;
    element.dataset.drawn = "yes";
    element.on("plotly_click", ({ points }) => showSignature(points[0].customdata));
    element.dispatchEvent(new Event("drawn")); // from now on it tells Plotly's events
  };

  const showSignature = (key) => {
    if (typeof key === "string") document.getElementById(`signature-${key}`)?.showPopover?.();
  };

  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: "300px" },
  );
  const redraw = () => [...drawn.keys()].forEach(draw);

  // An element with properties and content; texts stay texts.
  const make = (name, properties = {}, ...content) => {
    const element = Object.assign(document.createElement(name), properties);
    if (properties.role) element.setAttribute("role", properties.role);
    element.append(...content);
    return element;
  };

  // A table of texts; the first of each line is its head.
  const table = (columns, lines) =>
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...columns.map((text) => make("th", { scope: "col" }, text)))),
      make(
        "tbody",
        {},
        ...lines.map(([first, ...rest]) =>
          make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((text) => make("td", {}, text))),
        ),
      ),
    );

  // Whole numbers that packing.py packed.
  const unpacked = ({ bytes, base64 }) => {
    const { buffer } = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[bytes](buffer);
  };

  const decimals = new Intl.NumberFormat("en", {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
    useGrouping: false,
    roundingMode: "halfEven", // as Python rounds
  });

  // What sections' scripts use: `figure` is as figures.py makes them, and is drawn as the page's own are; `figures` are
  // those by name; `percent` writes a share in %.
  window.report = {
    data,
    figures,
    percent: (share) => (Number.isNaN(share) ? "–" : decimals.format(100 * share)),
    draw: (element, figure) => {
      drawn.set(element, figure);
      draw(element);
    },
    showSignature,
    make,
    table,
    unpacked,
  };

  document.querySelectorAll("[data-figure]").forEach((element) => seen.observe(element));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("paper");
    document.querySelectorAll("[data-figure]").forEach(draw);
    redraw();
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    redraw();
  });
  document.addEventListener("click", ({ target }) => {
    const text = target.dataset?.copy;
    if (text === undefined) return;
    const copied = () => (target.textContent = "Copied");
    const select = () => getSelection().selectAllChildren(target.closest(".signature").querySelector("code"));
    // mail viewers refuse it, and a page that came over plain HTTP has none
    (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(copied, select);
  });
})();
