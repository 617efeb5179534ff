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
  switched(container, {
    legend: "Show",
    name: "quantity",
    options: offered.map(([key, { title }]) => [key, title]),
    chosen: layersState.quantity,
    change: (key) => { layersState.quantity = key; },
    draw: (part) => drawProfile(part, width, quantities[layersState.quantity]),
    between: readingNote(),
  });
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
  const points = shownKinds().flatMap((kind) => rowsOf(kind)
    .map((row) => ({
      row, kind, index: row.index, figure: quantity.of(row), colour: `var(--${kind})`,
      symbol: row.cut ? "circle" : "diamond2", hollow: !isTrusted(row),
    }))
    .filter(({ figure }) => figure && Number.isFinite(figure.value)));
  const byKind = (kind) => points.filter((point) => point.kind === kind);
  const marks = shownKinds().flatMap((kind) => {
    const dy = kind === "conductance" ? -3 : 3;
    return [
      Plot.line(byKind(kind), { x: (p) => p.figure.value, y: "index", stroke: `var(--${kind})`, strokeOpacity: 0.35, dy }),
      ...intervalMarks(byKind(kind), { name: `points-${kind}`, dy }),
    ];
  });
  const [low, high] = spanOf(points);
  const chart = layerChart({ width, x: { domain: [low, high * 1.03], label: `${quantity.axis} →` }, marks });
  container.replaceChildren(kindLegend(), figure(chart, `${quantity.title} by layer; arrow keys step through them`));
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
