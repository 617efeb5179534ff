// Several runs on one plane, and along their depth.

const { runs } = data;
/** Okabe and Ito's colours, each a little lighter in the dark; runs also differ in their marks. */
const RUN_COLOURS = [
  ["#0072b2", "#56b4e9"], ["#d55e00", "#ff9a4d"], ["#009e73", "#3fd0a4"], ["#a6577f", "#e59cc0"],
  ["#7a6a00", "#f0e442"], ["#444b54", "#c3c9d1"],
].map(([light, dark]) => `light-dark(${light}, ${dark})`);
const RUN_SYMBOLS = ["circle", "square2", "triangle2", "diamond2", "star", "cross2"];
const QUANTITIES = {
  ite: { title: "ITE", of: (row) => row.ite.ratio, unit: "" },
  mi_x: { title: "I(X;·)", of: (row) => row.mi_x, unit: "bits" },
  mi_y: { title: "I(·;Y)", of: (row) => row.mi_y, unit: "bits" },
};

const state = { vectors: "conductance", quantity: runs.some((run) => run.labelled) ? "ite" : "mi_x", selected: null };

function colourOf(run) {
  return RUN_COLOURS[run % RUN_COLOURS.length];
}

function symbolOf(run) {
  return RUN_SYMBOLS[run % RUN_SYMBOLS.length];
}

/** Rows of the chosen vectors: each with its run, its place among the run's layers, and its share of the depth. */
function rowsOf(kind) {
  return runs.flatMap((run, index) => {
    const places = new Map(run.layers.map((layer, place) => [layer.name, place]));
    const last = Math.max(run.layers.length - 1, 1);
    return run.rows.filter((row) => row.kind === kind).map((row) => {
      const place = places.get(row.layer);
      return { ...row, run: index, place, share: place / last, shown: run.layers[place].shown };
    });
  });
}

/** Layers of one name are one selection in all runs. */
const layerKeys = new Map();

function keyOf(row) {
  if (!layerKeys.has(row.layer)) layerKeys.set(row.layer, layerKeys.size);
  return layerKeys.get(row.layer);
}

function select(key) {
  state.selected = state.selected === key ? null : key;
  markSelected(state.selected);
}

function describe(row) {
  const symbol = kindSymbol[row.kind];
  return {
    title: row.shown,
    lines: [
      ["", `${runs[row.run].name}, ${kindTitle[row.kind].toLowerCase()}, layer ${row.place + 1} of ${runs[row.run].layers.length}`],
      [`I(X;${symbol})`, formatFigure(row.mi_x)],
      [`I(${symbol};Y)`, formatFigure(row.mi_y)],
      ["ITE", formatRatio(row.ite.ratio)],
    ],
  };
}

/** Bars, a path a run, and marks that answer. */
function pathChart({ rows, width, height, x, y, xOf, yOf, xEnds, yEnds, name }) {
  const colour = (row) => colourOf(row.run);
  const chart = Plot.plot({
    width, height, marginLeft: 52, marginRight: 24, marginTop: 26, marginBottom: 42, style: chartStyle(),
    x: { labelAnchor: "right", nice: true, ...x },
    y: { nice: true, ...y },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.line(rows, { x: xOf, y: yOf, z: "run", stroke: colour, strokeWidth: 1.5, strokeOpacity: 0.7 }),
      xEnds ? Plot.link(rows, { x1: (r) => xEnds(r)[0], x2: (r) => xEnds(r)[1], y1: yOf, y2: yOf, stroke: colour, strokeOpacity: 0.6 }) : null,
      Plot.link(rows, { x1: xOf, x2: xOf, y1: (r) => yEnds(r)[0], y2: (r) => yEnds(r)[1], stroke: colour, strokeOpacity: 0.6 }),
      Plot.dot(rows, {
        x: xOf, y: yOf, r: 4.5, symbol: (row) => symbolOf(row.run),
        fill: (row) => (isTrusted(row) ? colour(row) : "var(--paper)"),
        stroke: (row) => (isTrusted(row) ? "var(--paper)" : colour(row)),
        strokeWidth: 1.25, className: "points",
      }),
    ],
  });
  const nodes = markNodes(chart, "points");
  answering(chart, rows.map((row, position) => ({ node: nodes[position], index: keyOf(row), describe: () => describe(row) })));
  return figure(chart, name);
}

function legend() {
  return element("p", { class: "legend" }, ...runs.map((run, index) => {
    const mark = Plot.plot({
      width: 14, height: 14, margin: 0, axis: null, color: { type: "identity" }, symbol: { type: "identity" },
      x: { domain: [0, 1] }, y: { domain: [0, 1] },
      marks: [Plot.dot([0], { x: 0.5, y: 0.5, r: 5, symbol: [symbolOf(index)], fill: [colourOf(index)] })],
    });
    mark.setAttribute("aria-hidden", "true");
    mark.style.display = "inline-block";
    return element("span", {}, mark, " ", element("bdi", {}, run.name));
  }));
}

section("comparison-plane", (container, width) => {
  const symbol = kindSymbol[state.vectors];
  const rows = rowsOf(state.vectors).filter((row) => row.mi_x && row.mi_y);
  const switches = choice("Vectors", "vectors", kinds.map((kind) => [kind, kindTitle[kind]]), state.vectors, (kind) => {
    state.vectors = kind;
    drawAll();
  });
  const chart = rows.length === 0
    ? element("p", { class: "note" }, "No run has both informations of these vectors.")
    : pathChart({
      rows, width: Math.min(width, 860), height: Math.max(320, Math.min(width * 0.62, 540)),
      x: { label: `I(X;${symbol}), bits →` }, y: { label: `↑ I(${symbol};Y), bits` },
      xOf: (row) => row.mi_x.value, yOf: (row) => row.mi_y.value,
      xEnds: (row) => row.mi_x.ci, yEnds: (row) => row.mi_y.ci,
      name: `${kindTitle[state.vectors]} planes of ${runs.length} runs; arrow keys step through the layers`,
    });
  container.replaceChildren(switches, legend(), chart);
});

section("comparison-depth", (container, width) => {
  const quantity = QUANTITIES[state.quantity];
  const rows = rowsOf(state.vectors).filter((row) => quantity.of(row));
  const switches = choice("Figure", "quantity", Object.entries(QUANTITIES).map(([key, { title }]) => [key, title]), state.quantity, (key) => {
    state.quantity = key;
    drawAll();
  });
  const chart = rows.length === 0
    ? element("p", { class: "note" }, `No run has ${quantity.title}.`)
    : pathChart({
      rows, width: Math.min(width, 860), height: Math.max(280, Math.min(width * 0.5, 420)),
      x: { label: "share of the analysed depth →", domain: [0, 1], tickFormat: (share) => `${Math.round(100 * share)} %` },
      y: { label: `↑ ${quantity.title}${quantity.unit ? `, ${quantity.unit}` : ""}` },
      xOf: "share", yOf: (row) => quantity.of(row).value, yEnds: (row) => quantity.of(row).ci,
      name: `${quantity.title} of the ${state.vectors}s along the depth of ${runs.length} runs`,
    });
  container.replaceChildren(switches, legend(), chart);
});

function drawAll() {
  hideTooltip();
  drawSections();
  markSelected(state.selected);
}

for (const row of document.querySelectorAll("[data-name]")) row.dataset.layer = keyOf({ layer: row.dataset.name });
document.body.append(tooltip);
startTheme();
drawWithWidth(drawAll);
