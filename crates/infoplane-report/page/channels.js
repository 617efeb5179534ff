// Channel concentration: how few channels carry a layer's information about the label.

/** Share of the whole layer's I(C;Y) that counts as carrying it. */
const REACHED_SHARE = 0.9;

section("channels-chart", (container, width) => {
  const views = plane.channels
    .map((view) => ({ view, index: layerIndex.get(view.layer) }))
    .filter(({ index }) => index !== undefined);
  const keys = [["disc conductance", "share of the layer’s channels that carry 90 % of its I(C;Y)"]];
  if (views.some(({ view }) => view.concentration === null)) keys.push(["hollow", "more than were chosen"]);
  container.replaceChildren(legendOf(keys), layerPanels(width, [
    (size, named) => titled("Concentration", concentrationChart(views, size, named)),
  ]), titled("The first channels chosen", channelCurves(views, width)));
});

function concentrationChart(views, width, named) {
  const points = views.map(({ view, index }) => {
    const least = view.chosen.length / view.n_channels;
    const value = view.concentration ?? least;
    return {
      view, index, figure: { value, ci: [value, value] }, colour: "var(--conductance)", hollow: view.concentration === null,
    };
  });
  const plot = Math.max(120, width - 18 - layerAxis(width).margin);
  const longest = d3.max(views, ({ view }) => textWidth(reachWords(view), 11)) ?? 0;
  const chart = layerChart({
    width,
    named,
    x: {
      domain: [0, 1 / (1 - Math.min(0.5, (longest + 12) / plot))], label: "share of the layer’s channels →",
      ticks: d3.ticks(0, 1, plot < 400 ? 2 : 5), tickFormat: wholePercent,
    },
    marks: [
      Plot.link(points, { x1: 0, x2: (p) => p.figure.value, y1: "index", y2: "index", stroke: "var(--conductance)", strokeOpacity: 0.5, strokeWidth: 3 }),
      ...intervalMarks(points),
      Plot.text(points, {
        x: (p) => p.figure.value, y: "index", text: (p) => reachWords(p.view), dx: 9, textAnchor: "start", fontSize: 11,
        fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 4,
      }),
    ],
  });
  const nodes = markNodes(chart, "points");
  answering(chart, points.map(({ view, index }, position) => ({
    node: nodes[position], index, describe: () => describeChannels(view, index),
  })));
  return figure(chart, "Channels that carry 90 % of a layer’s information about the label; arrow keys step through the layers");
}

function wholePercent(share) {
  return `${Math.round(share * 100)} %`;
}

function reachWords(view) {
  return view.reach === null ? `more than ${view.chosen.length} of ${view.n_channels}` : `${view.reach} of ${view.n_channels}`;
}

/** The curve of each layer: the share of its I(C;Y) that its first chosen channels carry. */
function channelCurves(views, width) {
  const points = views.filter(({ view }) => view.whole > 0).flatMap(({ view, index }) => view.curve.map((point) => ({
    view, index, channels: point.channels, mi_y: point.mi_y, share: point.mi_y / view.whole,
  })));
  const most = d3.max(points, (point) => point.channels) ?? 1;
  const ends = d3.rollup(points, (own) => own[own.length - 1], (point) => point.index);
  const chart = Plot.plot({
    width,
    height: 320,
    marginLeft: 50,
    marginRight: 30,
    marginTop: 28,
    marginBottom: 42,
    style: chartStyle(),
    x: { type: "log", base: 2, domain: [1, Math.max(2, most)], label: "channels chosen →", labelAnchor: "right",
      ticks: d3.range(0, Math.ceil(Math.log2(Math.max(2, most))) + 1).map((power) => 2 ** power), tickFormat: String },
    y: { domain: [Math.min(0, d3.min(points, (p) => p.share) ?? 0), Math.max(1, d3.max(points, (p) => p.share) ?? 1)],
      label: "↑ share of the layer’s I(C;Y)", tickFormat: wholePercent },
    color: { type: "identity" },
    marks: [
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.ruleY([REACHED_SHARE], { stroke: "var(--ink)", strokeDasharray: "4 3" }),
      Plot.line(points, { x: "channels", y: "share", z: "index", stroke: (p) => depthColour(p.index), strokeWidth: 1.5, className: "curves" }),
      Plot.dot(points, {
        x: "channels", y: "share", r: 3, fill: (p) => depthColour(p.index), stroke: "var(--paper)", strokeWidth: 0.75, className: "points",
      }),
      Plot.text([...ends.values()], {
        x: "channels", y: "share", text: (p) => String(layers[p.index].ordinal), dx: 7, textAnchor: "start",
        fontSize: 10.5, fill: "var(--muted)", className: "labels",
      }),
    ],
  });
  for (const curve of chart.querySelectorAll("g.curves path")) {
    curve.dataset.layer = points[curve.__data__[0]].index;
    curve.classList.add("curve");
  }
  const nodes = markNodes(chart, "points");
  answering(chart, points.map((point, position) => ({
    node: nodes[position],
    index: point.index,
    describe: () => ({
      title: layerTitle(point.index),
      lines: [
        ["channels", `${point.channels} of ${point.view.n_channels}`],
        ["carry", `${formatNumber(point.mi_y)} of ${formatNumber(point.view.whole)} bits (${formatPercent(point.share)})`],
        ["in order", channelList(point.view, point.channels)],
      ],
    }),
  })));
  const panel = figure(chart, "Share of a layer’s I(C;Y) against the channels chosen; arrow keys step through it");
  panel.insertBefore(depthLegend(), chart);
  requestAnimationFrame(() => thinLabels(markNodes(chart, "labels"), d3.range(ends.size).reverse(), []));
  return panel;
}

/** The first chosen channels by index, at most a dozen. */
function channelList(view, count) {
  const indices = view.chosen.slice(0, Math.min(count, 12)).map(({ channel }) => String(channel));
  return count > 12 ? `${indices.join(", ")}, …` : indices.join(", ");
}

function describeChannels(view, index) {
  const best = d3.greatestIndex(view.alone);
  const lines = [
    ["90 % with", `${reachWords(view)} channels${view.concentration === null ? "" : ` (${formatPercent(view.concentration)})`}`],
    ["whole layer", `${formatNumber(view.whole)} bits on ${view.n} samples`],
  ];
  if (best >= 0) lines.push(["most alone", `channel ${best}: ${formatNumber(view.alone[best])} bits of its quartiles`]);
  if (view.chosen.length > 0) lines.push(["chosen first", channelList(view, view.chosen.length)]);
  return { title: layerTitle(index), lines };
}
