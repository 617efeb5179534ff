// Profiles over the depth: one row a layer, in network order, both kinds with intervals.

const quantities = {
  ratio: { title: "ITE, ratio", axis: "ITE = I(C;Y) / I(X;C)", of: (row) => row.ite.ratio },
  normalized: { title: "ITE, normalized", axis: "[I(C;Y)/H(Y)] / [I(X;C)/log₂ N]", of: (row) => row.ite.normalized },
  incremental: { title: "ITE, incremental", axis: "ΔI(C;Y) / |ΔI(X;C)| from the previous cut layer", of: (row) => row.ite.incremental },
  mi_x: { title: "I(X;C)", axis: "I(X;C), bits", of: (row) => row.mi_x },
  mi_y: { title: "I(C;Y)", axis: "I(C;Y), bits", of: (row) => row.mi_y },
};

const layersState = { quantity: labelled ? "ratio" : "mi_x" };

section("layers-chart", (container, width) => {
  const offered = Object.entries(quantities)
    .filter(([, quantity]) => plane.rows.some((row) => quantity.of(row)));
  const body = element("div");
  const draw = () => drawProfile(body, width, quantities[layersState.quantity]);
  const buttons = choice("Show", "quantity", offered.map(([key, { title }]) => [key, title]),
    layersState.quantity, (key) => {
      layersState.quantity = key;
      draw();
      showSelection();
    });
  container.replaceChildren(buttons, ...readingNote(), body);
  draw();
});

/** The rows' names: how wide they are and how they are written. */
function layerAxis(width) {
  const longest = d3.max(layers, (layer) => textWidth(layer.short)) ?? 0;
  const names = Math.min(longest, width * 0.36);
  const text = layers.map((layer) => fitted(layer.short, names));
  return {
    margin: Math.ceil(names) + 46,
    height: layers.length * (layers.length > 36 ? 17 : 22),
    marks: [
      Plot.ruleY(layers.keys(), { stroke: "var(--grid)" }),
      Plot.text(layers, {
        y: (_, index) => index, text: (_, index) => text[index], frameAnchor: "left",
        textAnchor: "end", dx: -30, fill: (layer) => (layer.cut ? "var(--ink)" : "var(--muted)"),
        title: (layer) => layer.shown, className: "layer-names",
      }),
      Plot.text(layers, {
        y: (_, index) => index, text: (layer) => (layer.cut ? `${layer.ordinal}` : `◇ ${layer.ordinal}`),
        frameAnchor: "left", textAnchor: "end", dx: -8, fill: "var(--muted)", fontSize: 10.5,
      }),
    ],
  };
}

/** Marks the names so that selecting a layer reaches them. */
function nameLayers(chart) {
  markNodes(chart, "layer-names").forEach((node, index) => {
    node.dataset.layer = index;
  });
}

function drawProfile(container, width, quantity) {
  const axis = layerAxis(width);
  const points = shownKinds().flatMap((kind) => rowsOf(kind)
    .map((row) => ({ row, kind, figure: quantity.of(row) }))
    .filter(({ figure }) => figure && Number.isFinite(figure.value)));
  const byKind = (kind) => points.filter((point) => point.kind === kind);
  const marks = shownKinds().flatMap((kind) => {
    const shift = { dy: kind === "conductance" ? -3 : 3 };
    const colour = `var(--${kind})`;
    return [
      Plot.line(byKind(kind), { x: (p) => p.figure.value, y: (p) => p.row.index, stroke: colour, strokeOpacity: 0.35, ...shift }),
      Plot.link(byKind(kind), {
        x1: (p) => p.figure.ci[0], x2: (p) => p.figure.ci[1], y1: (p) => p.row.index, y2: (p) => p.row.index,
        stroke: colour, strokeWidth: 1.5, ...shift,
      }),
      Plot.dot(byKind(kind), {
        x: (p) => p.figure.value, y: (p) => p.row.index, r: 4,
        symbol: (p) => (p.row.cut ? "circle" : "diamond2"),
        fill: (p) => (isTrusted(p.row) ? colour : "var(--paper)"),
        stroke: (p) => (isTrusted(p.row) ? "var(--paper)" : colour), strokeWidth: 1.25,
        className: `points-${kind}`, ...shift,
      }),
    ];
  });
  const ends = points.flatMap(({ figure }) => [figure.value, ...figure.ci]).filter(Number.isFinite);
  const chart = Plot.plot({
    width,
    height: axis.height + 74,
    marginLeft: axis.margin,
    marginRight: 16,
    marginTop: 30,
    marginBottom: 40,
    style: chartStyle(),
    x: { domain: [Math.min(0, d3.min(ends) ?? 0), (d3.max(ends) ?? 1) * 1.03], label: `${quantity.axis} →`, labelAnchor: "right" },
    y: { type: "point", domain: [...layers.keys()], axis: null },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.axisX({ anchor: "bottom" }),
      layers.length > 30 ? Plot.axisX({ anchor: "top", label: null }) : null,
      ...axis.marks,
      ...marks,
    ],
  });
  container.replaceChildren(kindLegend(), figure(chart, `${quantity.title} by layer; arrow keys step through them`));
  nameLayers(chart);
  answering(chart, shownKinds().flatMap((kind) => {
    const nodes = markNodes(chart, `points-${kind}`);
    return byKind(kind).map(({ row }, position) => ({
      node: nodes[position], index: row.index, describe: () => describeRow(row),
    }));
  }));
}

function kindLegend() {
  const legend = element("p", { class: "legend" });
  for (const kind of shownKinds()) {
    if (rowsOf(kind).length > 0) legend.append(element("span", { class: `key disc ${kind}` }, kindTitle[kind]));
  }
  if (layers.some((layer) => !layer.cut)) legend.append(element("span", { class: "key diamond" }, "on a branch"));
  if (shownKinds().some((kind) => rowsOf(kind).some((row) => !isTrusted(row)))) legend.append(element("span", { class: "key hollow" }, "saturated or flagged"));
  return legend;
}
