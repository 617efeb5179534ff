// The information plane: I(X;C) across, I(C;Y) upwards, conductance and activation on shared axes.

const RAYS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

section("plane-chart", (container, width) => {
  const series = kinds
    .map((kind) => [kind, rowsOf(kind).filter((row) => row.mi_y !== null)])
    .filter(([, rows]) => rows.length > 0);
  if (series.length === 0) {
    drawProfile(container, width, quantities.mi_x);
    return;
  }
  const all = series.flatMap(([, rows]) => rows);
  const x = domainOf(all.map((row) => row.mi_x), logN);
  const y = domainOf(all.map((row) => row.mi_y), plane.label.entropy);
  const columns = width >= 720 ? series.length : 1;
  const size = Math.floor((width - (columns - 1) * 24) / columns);
  const grid = element("div", { class: "panels" });
  container.replaceChildren(depthLegend({ rays: true }), grid);
  for (const [kind, rows] of series) {
    const panel = drawPlane(kind, rows, x, y, size);
    panel.prepend(element("h3", {}, `${kindTitle[kind]} plane`));
    grid.append(panel);
    panel.dispatchEvent(new Event("placed"));
  }
  container.append(element("p", { class: "note" }, ceilingWords(x, y)));
});

section("glance-chart", (container, width) => {
  const rows = rowsOf("conductance").filter((row) => row.mi_y !== null);
  if (rows.length === 0) return;
  const x = domainOf(rows.map((row) => row.mi_x), logN);
  const y = domainOf(rows.map((row) => row.mi_y), plane.label.entropy);
  const panel = drawPlane("conductance", rows, x, y, Math.min(width, 420), 4);
  container.replaceChildren(panel);
  panel.dispatchEvent(new Event("placed"));
});

/** Values, intervals and, where it is near, the ceiling; from 0 where the values start near it. */
function domainOf(figures, ceiling) {
  const ends = figures.flatMap((figure) => [figure.value, ...figure.ci]).filter(Number.isFinite);
  let [low, high] = [d3.min(ends), d3.max(ends)];
  if (low > 0 && low < 0.4 * high) low = 0;
  const pad = (high - low || 1) * 0.05;
  if (ceiling > high && ceiling < high + 4 * pad) high = ceiling;
  return [low === 0 ? 0 : low - pad, high + pad];
}

function ceilingWords([, xHigh], [, yHigh]) {
  const where = (shown) => (shown ? "dashed" : "beyond the axis");
  return `Ceilings: I(X;C) ≤ log₂ N = ${formatNumber(logN)} bits (${where(logN <= xHigh)}), `
    + `I(C;Y) ≤ H(Y) = ${formatNumber(plane.label.entropy)} bits `
    + `(${where(plane.label.entropy <= yHigh)}). Both at τ = ${formatNumber(plane.resolution.tau)}.`;
}

/**
 * One plane, with at most `named` labels. Labels are thinned out when the panel hears that it has
 * been placed on the page, because only then can they be measured.
 */
function drawPlane(kind, rows, x, y, width, named = rows.length) {
  const compact = named < rows.length;
  const symbol = kindSymbol[kind];
  const rays = RAYS.map((slope) => rayAcross(slope, x, y)).filter(Boolean);
  const chart = Plot.plot({
    width,
    height: Math.round(compact ? width * 0.92 : Math.max(300, Math.min(width * 0.78, 520))),
    marginLeft: 46,
    marginRight: 30,
    marginTop: 26,
    marginBottom: 42,
    style: chartStyle(),
    x: { domain: x, label: `I(X;${symbol}), bits →`, labelAnchor: "right", nice: false, ticks: compact ? 4 : 6 },
    y: { domain: y, label: `↑ I(${symbol};Y), bits`, nice: false, ticks: 6 },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.link(rays, { x1: "x1", y1: "y1", x2: "x2", y2: "y2", stroke: "var(--ray)", strokeDasharray: "1 3" }),
      compact ? null : Plot.text(rays, {
        x: "x2", y: "y2", text: "name", fill: "var(--muted)", fontSize: 10, dx: 2, dy: -6,
        textAnchor: "middle", className: "rays",
      }),
      logN <= x[1] ? Plot.ruleX([logN], { stroke: "var(--muted)", strokeDasharray: "5 4" }) : null,
      plane.label.entropy <= y[1]
        ? Plot.ruleY([plane.label.entropy], { stroke: "var(--muted)", strokeDasharray: "5 4" })
        : null,
      Plot.line(rows, { x: (row) => row.mi_x.value, y: (row) => row.mi_y.value, stroke: "var(--path)", strokeWidth: 1.25 }),
      Plot.link(rows, {
        x1: (row) => row.mi_x.ci[0], x2: (row) => row.mi_x.ci[1],
        y1: (row) => row.mi_y.value, y2: (row) => row.mi_y.value,
        stroke: (row) => depthColour(row.index), strokeWidth: 1.25,
      }),
      Plot.link(rows, {
        x1: (row) => row.mi_x.value, x2: (row) => row.mi_x.value,
        y1: (row) => row.mi_y.ci[0], y2: (row) => row.mi_y.ci[1],
        stroke: (row) => depthColour(row.index), strokeWidth: 1.25,
      }),
      Plot.dot(rows, {
        x: (row) => row.mi_x.value, y: (row) => row.mi_y.value, r: 5,
        symbol: (row) => (row.cut ? "circle" : "diamond2"),
        fill: (row) => (isTrusted(row) ? depthColour(row.index) : "var(--paper)"),
        stroke: (row) => (isTrusted(row) ? "var(--paper)" : depthColour(row.index)),
        strokeWidth: 1.5, className: "points",
      }),
      Plot.text(rows, {
        x: (row) => row.mi_x.value, y: (row) => row.mi_y.value,
        text: (row) => labelBeside(row, rows), fontSize: 11, dx: 9, textAnchor: "start",
        fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 3, className: "labels",
      }),
    ],
  });
  const panel = figure(chart, `${kindTitle[kind]} plane: ${rows.length} layers; arrow keys step through them`);
  const nodes = markNodes(chart, "points");
  answering(chart, rows.map((row, position) => ({
    node: nodes[position], index: row.index, describe: () => describeRow(row),
  })));
  panel.addEventListener("placed", () => {
    const labels = markNodes(chart, "labels");
    const order = labelOrder(rows);
    thinLabels(labels, order.slice(0, named), nodes);
    for (const position of order.slice(named)) labels[position].style.display = "none";
  });
  return panel;
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
  if (plane.rows.some((row) => !isTrusted(row))) legend.append(element("span", { class: "key hollow" }, "saturated or flagged"));
  if (rays) legend.append(element("span", { class: "key ray" }, "equal ITE"));
  return legend;
}
