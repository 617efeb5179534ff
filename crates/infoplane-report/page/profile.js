// Charts with one row a layer, in network order.

/** A row of panels side by side where there is room, else one under the other; `draw(width, named)` each. */
function layerPanels(width, panels) {
  const beside = width >= 860 && panels.length > 1;
  const names = beside ? layerAxis(width).margin - 34 : 0;
  const share = beside ? Math.floor((width - names - 24 * (panels.length - 1)) / panels.length) : width;
  return element("div", { class: "panels" },
    ...panels.map((draw, position) => {
      const named = !beside || position === 0;
      return draw(named && beside ? share + names : share, named);
    }));
}

/** A chart whose rows are the layers, with their names or, beside such a chart, with their numbers. */
function layerChart({ width, named = true, x, marks }) {
  const axis = named ? layerAxis(width) : numberAxis();
  const room = Math.round((width - axis.margin) / 75);
  const ticks = { ticks: x.ticks ?? Math.max(3, Math.min(10, room)), tickFormat: x.tickFormat };
  const chart = Plot.plot({
    width,
    height: axis.height + 74,
    marginLeft: axis.margin,
    marginRight: 18,
    marginTop: 30,
    marginBottom: 40,
    style: chartStyle(),
    x: { labelAnchor: "right", ...x },
    y: { type: "point", domain: [...layers.keys()], axis: null },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1, ticks: ticks.ticks }),
      Plot.axisX({ anchor: "bottom", ...ticks }),
      layers.length > 30 ? Plot.axisX({ anchor: "top", label: null, ...ticks }) : null,
      ...axis.marks,
      ...marks,
    ],
  });
  if (named) nameLayers(chart);
  return chart;
}

function numberAxis() {
  return {
    margin: 34,
    height: layerAxis(0).height,
    marks: [
      Plot.ruleY(layers.keys(), { stroke: "var(--grid)" }),
      Plot.text(layers, {
        y: (_, index) => index, text: (layer) => (layer.cut ? `${layer.ordinal}` : `◇ ${layer.ordinal}`),
        frameAnchor: "left", textAnchor: "end", dx: -8, fill: "var(--muted)", fontSize: 10.5,
      }),
    ],
  };
}

/** Marks of figures with intervals: `points[i]` is `{ index, figure, colour, symbol, hollow }`. */
function intervalMarks(points, { name = "points", dy = 0 } = {}) {
  return [
    Plot.link(points, {
      x1: (p) => p.figure.ci[0], x2: (p) => p.figure.ci[1], y1: "index", y2: "index",
      stroke: "colour", strokeWidth: 1.5, dy,
    }),
    Plot.dot(points, {
      x: (p) => p.figure.value, y: "index", r: 4, symbol: (p) => p.symbol ?? "circle",
      fill: (p) => (p.hollow ? "var(--paper)" : p.colour), stroke: (p) => (p.hollow ? p.colour : "var(--paper)"),
      strokeWidth: 1.25, className: name, dy,
    }),
  ];
}

/** The span of figures and their intervals, with 0 in it. */
function spanOf(points) {
  const ends = points.flatMap(({ figure }) => [figure.value, ...figure.ci]).filter(Number.isFinite);
  return [Math.min(0, d3.min(ends) ?? 0), Math.max(0, d3.max(ends) ?? 1) || 1];
}

/** Room for words of `pixels` on the other side of 0, in a chart of which `plot` pixels are for data. */
function withRoom([low, high], pixels, plot) {
  const share = Math.min(0.45, pixels / plot);
  const least = share / (1 - share);
  return [Math.min(low, -high * least), Math.max(high, -low * least)];
}

/** What a layer is called in tooltips. */
function layerTitle(index) {
  return `${layers[index].ordinal}  ${layers[index].shown}`;
}

/** A value with its interval, and a unit. */
function formatChange(change, unit = "bits") {
  return change ? `${formatNumber(change.value)} ${formatInterval(change.ci)} ${unit}`.trimEnd() : "undefined";
}

/** Keys of a legend: pairs of a class and words. */
function legendOf(keys) {
  return element("p", { class: "legend" },
    ...keys.map(([key, words]) => element("span", { class: `key ${key}` }, words)));
}
