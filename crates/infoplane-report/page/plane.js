// The information plane: I(X;C) across, I(C;Y) upwards, conductance and activation on shared axes.

const RAYS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

section("plane-chart", (container, width) => {
  const all = shownKinds().map((kind) => [kind, rowsOf(kind)]);
  const series = all
    .map(([kind, rows]) => [kind, rows.filter((row) => row.mi_x && row.mi_y)])
    .filter(([, rows]) => rows.length > 0);
  const notes = unplaced(all, series);
  if (series.length === 0) {
    const body = element("div");
    container.replaceChildren(...notes, body);
    drawProfile(body, width, all.some(([, rows]) => rows.some((row) => row.mi_y)) ? quantities.mi_y : quantities.mi_x);
    return;
  }
  const rows = series.flatMap(([, own]) => own);
  const x = domainOf(rows.map((row) => row.mi_x));
  const y = domainOf(rows.map((row) => row.mi_y));
  const columns = width >= 720 ? series.length : 1;
  const size = Math.min(Math.floor((width - (columns - 1) * 24) / columns), 860);
  const grid = element("div", { class: "panels" });
  container.replaceChildren(depthLegend({ rays: true }), ...notes, grid);
  for (const [kind, own] of series) {
    const panel = drawPlane(kind, own, x, y, size);
    panel.prepend(element("h3", {}, `${kindTitle[kind]} plane`));
    grid.append(panel);
    panel.dispatchEvent(new Event("placed"));
  }
  container.append(element("p", { class: "note" }, ceilingWords(x, y)));
});

/** What to say of layers that have no place on the plane, and of an estimator that places none. */
function unplaced(all, series) {
  const total = d3.sum(all, ([, rows]) => rows.length);
  const missing = total - d3.sum(series, ([, rows]) => rows.length);
  if (total === 0) return [element("p", { class: "note" }, `No figures by ${readingWords()}.`)];
  if (missing === 0 || !labelled) return [];
  const reason = `${state.estimator} gives no I(X;C), which is infinite for it`;
  return [element("p", { class: "note" }, series.length === 0
    ? `${reason}: its layers have no place on the plane. The chart shows I(C;Y) by layer.`
    : `${missing} of ${total} points have no I(X;C) or no I(C;Y) and are not on the plane.`)];
}

/** The highest ceiling of these figures. */
function ceilingOf(figures) {
  return d3.max(figures, (figure) => figure.ceiling);
}

/** Values, intervals and, where it is near, the ceiling; from 0 where the values start near it. */
function domainOf(figures) {
  const ceiling = ceilingOf(figures);
  const ends = figures.flatMap((figure) => [figure.value, ...figure.ci]).filter(Number.isFinite);
  let [low, high] = [d3.min(ends), d3.max(ends)];
  if (low > 0 && low < 0.4 * high) low = 0;
  const pad = (high - low || 1) * 0.05;
  if (ceiling > high && ceiling < high + 4 * pad) high = ceiling;
  return [low === 0 ? 0 : low - pad, high + pad];
}

function ceilingWords([, xHigh], [, yHigh]) {
  const rows = shownKinds().flatMap((kind) => rowsOf(kind));
  const highest = (key) => ceilingOf(rows.map((row) => row[key]).filter(Boolean));
  const where = (ceiling, end) => `${formatNumber(ceiling)} bits (${ceiling <= end ? "dashed" : "beyond the axis"})`;
  const intervals = {
    bars: "Bars are 95 % intervals.",
    ellipses: "Half-axes of an ellipse are the two 95 % intervals; how they depend on each other is not shown.",
  };
  return `Shown: ${readingWords()}. Ceilings: I(X;C) ≤ ${where(highest("mi_x"), xHigh)}, `
    + `I(C;Y) ≤ ${where(highest("mi_y"), yHigh)}. ${isSwept() ? "" : intervals[state.uncertainty]}`;
}

/** One plane. Labels are thinned out when the panel hears that it has been placed on the page, because
 * only then can they be measured. */
function drawPlane(kind, rows, x, y, width) {
  const symbol = kindSymbol[kind];
  const rays = RAYS.map((slope) => rayAcross(slope, x, y)).filter(Boolean);
  const ceilings = [ceilingOf(rows.map((row) => row.mi_x)), ceilingOf(rows.map((row) => row.mi_y))];
  const dashed = { stroke: "var(--muted)", strokeDasharray: "5 4" };
  const chart = Plot.plot({
    width,
    height: Math.round(Math.max(300, Math.min(width * 0.78, 520))),
    marginLeft: 46,
    marginRight: 30,
    marginTop: 26,
    marginBottom: 42,
    style: chartStyle(),
    x: { domain: x, label: `I(X;${symbol}), bits →`, labelAnchor: "right", nice: false, ticks: width < 360 ? 4 : 6 },
    y: { domain: y, label: `↑ I(${symbol};Y), bits`, nice: false, ticks: 6 },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.link(rays, { x1: "x1", y1: "y1", x2: "x2", y2: "y2", stroke: "var(--ray)", strokeDasharray: "1 3" }),
      Plot.text(rays, {
        x: "x2", y: "y2", text: "name", fill: "var(--muted)", fontSize: 10, dx: 2, dy: -6,
        textAnchor: "middle", className: "rays",
      }),
      ceilings[0] <= x[1] ? Plot.ruleX([ceilings[0]], dashed) : null,
      ceilings[1] <= y[1] ? Plot.ruleY([ceilings[1]], dashed) : null,
      Plot.line(rows, { x: (row) => row.mi_x.value, y: (row) => row.mi_y.value, stroke: "var(--path)", strokeWidth: 1.25 }),
      ...(state.uncertainty === "ellipses" ? [ellipses(rows)] : bars(rows)),
      Plot.dot(rows, {
        x: (row) => row.mi_x.value, y: (row) => row.mi_y.value, r: 5,
        symbol: (row) => (row.cut ? "circle" : "diamond2"),
        fill: (row) => (isTrusted(row) ? depthColour(row.index) : "var(--paper)"),
        stroke: (row) => (isTrusted(row) ? "var(--paper)" : depthColour(row.index)),
        strokeWidth: 1.5, className: "points",
      }),
      labelsBeside(rows, x, "start"),
      labelsBeside(rows, x, "end"),
    ],
  });
  const panel = figure(chart, `${kindTitle[kind]} plane: ${rows.length} layers; arrow keys step through them`);
  const nodes = markNodes(chart, "points");
  answering(chart, rows.map((row, position) => ({
    node: nodes[position], index: row.index, describe: () => describeRow(row),
  })));
  panel.addEventListener("placed", () => thinLabels(markNodes(chart, "labels"), labelOrder(rows), nodes));
  return panel;
}

/** The intervals of both figures as bars. */
function bars(rows) {
  const look = { stroke: (row) => depthColour(row.index), strokeWidth: 1.25 };
  return [
    Plot.link(rows, {
      x1: (row) => row.mi_x.ci[0], x2: (row) => row.mi_x.ci[1],
      y1: (row) => row.mi_y.value, y2: (row) => row.mi_y.value, ...look,
    }),
    Plot.link(rows, {
      x1: (row) => row.mi_x.value, x2: (row) => row.mi_x.value,
      y1: (row) => row.mi_y.ci[0], y2: (row) => row.mi_y.ci[1], ...look,
    }),
  ];
}

/** The intervals of both figures as the half-axes of an ellipse about the middle of both. */
function ellipses(rows) {
  return (_, { x, y }) => {
    const group = d3.create("svg:g").attr("class", "ellipses");
    for (const row of rows) {
      const ends = [...row.mi_x.ci.map(x), ...row.mi_y.ci.map(y)];
      if ([...row.mi_x.ci, ...row.mi_y.ci].includes(null) || !ends.every(Number.isFinite)) continue;
      const [left, right, bottom, top] = ends;
      const colour = depthColour(row.index);
      group.append("ellipse")
        .attr("cx", (left + right) / 2).attr("cy", (top + bottom) / 2)
        .attr("rx", Math.max((right - left) / 2, 1)).attr("ry", Math.max((bottom - top) / 2, 1))
        .attr("style", `fill: ${colour}; stroke: ${colour}`);
    }
    return group.node();
  };
}

/** The labels to the right of their points, or to the left of those near the plane's right end. */
function labelsBeside(rows, [low, high], anchor) {
  const isRight = (row) => row.mi_x.value > low + 0.82 * (high - low);
  return Plot.text(rows, {
    x: (row) => row.mi_x.value, y: (row) => row.mi_y.value, filter: (row) => isRight(row) === (anchor === "end"),
    text: (row) => labelBeside(row, rows), fontSize: 11, dx: anchor === "end" ? -9 : 9, textAnchor: anchor,
    fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 3, className: "labels",
  });
}

/** Names where the plane has room for them, else numbers. */
function labelBeside(row, rows) {
  const layer = layers[row.index];
  return rows.length <= 16 && layer.short.length <= 16 ? layer.short : String(layer.ordinal);
}

/** Critical layers first, then the ends of the network, then the rest. */
function labelOrder(rows) {
  const critical = plane.critical.slice(0, 3)
    .map((layer) => rows.findIndex((row) => row.layer === layer.layer))
    .filter((position) => position >= 0);
  return [...new Set([...critical, 0, rows.length - 1, ...rows.keys()])];
}

/** The part of the ray I(C;Y) = slope · I(X;C) that crosses the plane. */
function rayAcross(slope, [xLow, xHigh], [yLow, yHigh]) {
  const start = Math.max(xLow, yLow / slope, 0);
  const end = Math.min(xHigh, yHigh / slope);
  if (end - start < 0.12 * (xHigh - xLow)) return null;
  return { x1: start, y1: start * slope, x2: end, y2: end * slope, name: `ITE ${slope}` };
}

/** What colours and shapes mean. */
function depthLegend({ rays = false } = {}) {
  const stops = d3.range(0, 1.01, 0.1).map((t) => depthColour(t * Math.max(layers.length - 1, 0)));
  const bar = element("span", { class: "gradient", style: `background: linear-gradient(to right, ${stops.join(", ")})` });
  const legend = element("p", { class: "legend" },
    element("span", {}, "input"), bar, element("span", {}, "output"));
  if (layers.some((layer) => !layer.cut)) legend.append(element("span", { class: "key diamond" }, "on a branch"));
  if (shownKinds().some((kind) => rowsOf(kind).some((row) => !isTrusted(row)))) legend.append(element("span", { class: "key hollow" }, "saturated or flagged"));
  if (rays) legend.append(element("span", { class: "key ray" }, "equal ITE"));
  return legend;
}
