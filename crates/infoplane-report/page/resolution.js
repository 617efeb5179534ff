// The sweep over the noise τ: one line a layer, the chosen τ marked, refused ones shaded.

const sweepQuantities = {
  ite: { title: "ITE", axis: "ITE" },
  mi_x: { title: "I(X;C)", axis: "I(X;C), bits" },
  mi_y: { title: "I(C;Y)", axis: "I(C;Y), bits" },
};

const resolutionState = { quantity: labelled ? "ite" : "mi_x" };

section("resolution-chart", (container, width) => {
  const offered = Object.entries(sweepQuantities).filter(([key]) => key === "mi_x" || labelled);
  const panels = element("div", { class: "panels" });
  const draw = () => drawSweep(panels, width, resolutionState.quantity);
  const buttons = choice("Show", "sweep", offered.map(([key, { title }]) => [key, title]),
    resolutionState.quantity, (key) => {
      resolutionState.quantity = key;
      draw();
      showSelection();
    });
  container.replaceChildren(buttons, depthLegend(), panels);
  draw();
});

function drawSweep(panels, width, key) {
  const points = plane.resolution.sweep.flatMap((step) => step.points.map((point) => ({
    ...point, tau: step.tau, index: layerIndex.get(point.layer), value: point[key],
    refused: step.widest_bracket > plane.resolution.bracket_limit,
  }))).filter((point) => point.index !== undefined && Number.isFinite(point.value));
  const shown = kinds.filter((kind) => points.some((point) => point.kind === kind));
  const columns = width >= 720 ? shown.length : 1;
  const size = Math.floor((width - (columns - 1) * 24) / columns);
  const high = d3.max(points, (point) => point.value) ?? 1;
  const low = Math.min(0, d3.min(points, (point) => point.value) ?? 0);
  panels.replaceChildren(...shown.map((kind) => {
    const own = points.filter((point) => point.kind === kind);
    return sweepPanel(kind, own, [low, high * 1.04], size, sweepQuantities[key]);
  }));
}

function sweepPanel(kind, points, y, width, quantity) {
  const taus = plane.resolution.sweep.map((step) => step.tau).sort(d3.ascending);
  const ordered = d3.sort(points, (point) => point.index, (point) => point.tau);
  const chart = Plot.plot({
    width,
    height: 340,
    marginLeft: 46,
    marginRight: 48,
    marginTop: 28,
    marginBottom: 42,
    style: chartStyle(),
    x: {
      type: "log", domain: [taus[0] * 0.94, taus[taus.length - 1]], label: "noise τ →", labelAnchor: "right",
      ticks: taus, tickFormat: String,
    },
    y: { domain: y, label: `↑ ${quantity.axis}` },
    color: { type: "identity" },
    marks: [
      Plot.rect(refusedSpans(taus), { x1: "from", x2: "to", fill: "var(--shade)" }),
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.ruleX([plane.resolution.tau], { stroke: "var(--ink)", strokeDasharray: "4 3" }),
      Plot.text([plane.resolution.tau], {
        x: (tau) => tau, frameAnchor: "top", dy: -12, text: (tau) => `τ = ${formatNumber(tau)}`, fill: "var(--muted)",
      }),
      Plot.line(ordered, { x: "tau", y: "value", z: "index", stroke: (p) => depthColour(p.index), strokeWidth: 1.5 }),
      Plot.dot(ordered, {
        x: "tau", y: "value", r: 2.5, fill: (p) => depthColour(p.index), stroke: "var(--paper)", strokeWidth: 0.75, className: "points",
      }),
      Plot.text(endsOf(ordered), {
        x: "tau", y: "value", text: (p) => String(layers[p.index].ordinal), dx: 7, textAnchor: "start",
        fontSize: 10.5, fill: "var(--muted)", className: "labels",
      }),
    ],
  });
  const nodes = markNodes(chart, "points");
  answering(chart, ordered.map((point, position) => ({
    node: nodes[position], index: point.index, describe: () => describeSweep(point),
  })));
  const panel = figure(chart, `${kindTitle[kind]}: ${quantity.title} against the noise; arrow keys step through it`);
  panel.prepend(element("h3", {}, kindTitle[kind]));
  requestAnimationFrame(() => thinLabels(markNodes(chart, "labels"), d3.range(layers.length).reverse(), []));
  return panel;
}

/** Runs of refused noise levels, up to half way to their neighbours on the logarithmic axis. */
function refusedSpans(taus) {
  return plane.resolution.sweep
    .filter((step) => step.widest_bracket > plane.resolution.bracket_limit)
    .map((step) => {
      const at = taus.indexOf(step.tau);
      const halfWay = (other) => Math.sqrt(step.tau * other);
      return {
        from: at > 0 ? halfWay(taus[at - 1]) : step.tau * 0.94,
        to: at + 1 < taus.length ? halfWay(taus[at + 1]) : step.tau,
      };
    });
}

/** Each layer's point at the coarsest noise. */
function endsOf(ordered) {
  return [...d3.rollup(ordered, (points) => points[points.length - 1], (point) => point.index).values()];
}

function describeSweep(point) {
  const layer = layers[point.index];
  const symbol = kindSymbol[point.kind];
  const lines = [
    ["", `${kindTitle[point.kind]} at τ = ${formatNumber(point.tau)}${point.refused ? ", refused" : ""}`],
    [`I(X;${symbol})`, `${formatNumber(point.mi_x)} bits`],
  ];
  if (point.mi_y !== null) lines.push([`I(${symbol};Y)`, `${formatNumber(point.mi_y)} bits`]);
  if (point.ite !== null) lines.push(["ITE", formatNumber(point.ite)]);
  return { title: `${layer.ordinal}  ${layer.shown}`, lines };
}
