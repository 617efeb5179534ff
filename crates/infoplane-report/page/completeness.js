// Relative completeness error by cut layer: median, 95th percentile and largest over the samples.

/** Errors below this are drawn here: a logarithmic axis has no zero. */
const SMALLEST_ERROR = 1e-7;

section("completeness-chart", (container, width) => {
  const axis = layerAxis(width);
  const errors = plane.completeness
    .filter((row) => layerIndex.has(row.layer))
    .map((row) => ({ row, index: layerIndex.get(row.layer) }));
  const at = (value) => Math.max(value ?? 0, SMALLEST_ERROR);
  const marks = (value, options) => Plot.tickX(errors, {
    x: (error) => at(error.row.relative[value]), y: "index", stroke: "var(--ink)", ...options,
  });
  const low = d3.min(errors, (error) => at(error.row.relative.median)) ?? 1e-3;
  const high = d3.max(errors, (error) => at(error.row.relative.max)) ?? 1;
  const ticks = d3.range(-7, 3).map((power) => 10 ** power)
    .filter((tick) => tick >= low / 1.5 && tick <= high * 1.3);
  const chart = Plot.plot({
    width,
    height: axis.height + 74,
    marginLeft: axis.margin,
    marginRight: 24,
    marginTop: 30,
    marginBottom: 40,
    style: chartStyle(),
    x: {
      type: "log", domain: [low / 1.5, high * 1.3], label: "|Σ C − (F(x) − F(x′))| / |F(x) − F(x′)| →", labelAnchor: "right",
    },
    y: { type: "band", padding: 0.4, domain: [...layers.keys()], axis: null },
    marks: [
      Plot.gridX({ ticks, stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.axisX({ anchor: "bottom", ticks, tickFormat: formatPercent }),
      ...axis.marks,
      Plot.link(errors, {
        x1: (error) => at(error.row.relative.median), x2: (error) => at(error.row.relative.max),
        y1: "index", y2: "index", stroke: "var(--conductance)", strokeWidth: 1.5,
      }),
      marks("p95", { strokeWidth: 2 }),
      marks("max", { insetTop: 2, insetBottom: 2, stroke: "var(--conductance)" }),
      Plot.dot(errors, {
        x: (error) => at(error.row.relative.median), y: "index", r: 4, fill: "var(--conductance)",
        stroke: "var(--paper)", strokeWidth: 1.25, className: "points",
      }),
    ],
  });
  const legend = element("p", { class: "legend" },
    element("span", { class: "key disc conductance" }, "median"),
    element("span", { class: "key tick" }, "95th percentile"),
    element("span", { class: "key bar" }, "to the largest sample"));
  container.replaceChildren(legend, figure(chart, "Completeness error by cut layer; arrow keys step through them",
    layers.some((layer) => !layer.cut) ? "Branch layers (◇) have no completeness error: their sum is a share." : ""));
  nameLayers(chart);
  const nodes = markNodes(chart, "points");
  answering(chart, errors.map((error, position) => ({
    node: nodes[position], index: error.index, describe: () => describeError(error),
  })));
});

function describeError({ row, index }) {
  const layer = layers[index];
  const summary = (name, format) => `${format(row[name].median)} median, ${format(row[name].mean)} mean, `
    + `${format(row[name].p95)} 95th percentile, ${format(row[name].max)} largest`;
  return {
    title: `${layer.ordinal}  ${layer.shown}`,
    lines: [
      ["relative", summary("relative", formatPercent)],
      ["absolute", summary("absolute", formatNumber)],
    ],
  };
}
