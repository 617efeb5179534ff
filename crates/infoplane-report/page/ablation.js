// Ablation: deletion curves of every layer, and the areas over them.

const measures = {
  cross_entropy: { title: "cross-entropy", damage: "gain of cross-entropy, bits", axis: "Cross-entropy in bits", format: (value) => `${formatNumber(value)} bits` },
  accuracy: { title: "accuracy", damage: "loss of accuracy", axis: "Accuracy", format: formatPercent },
  agreement: { title: "predictions kept", damage: "loss of predictions kept", axis: "Share of predictions kept", format: formatPercent },
  target_logit: { title: "target logit", damage: "loss of the target’s logit", axis: "The target’s logit", format: formatNumber },
};
const ablationState = { measure: "cross_entropy" };

section("ablation-chart", (container, width) => {
  const { ablation } = data;
  const offered = Object.entries(measures).filter(([key]) => ablation.intact[key]);
  const body = element("div");
  const draw = () => drawAblation(body, width, ablation, ablationState.measure);
  const buttons = choice("Measure", "measure", offered.map(([key, { title }]) => [key, title]), ablationState.measure,
    (key) => {
      ablationState.measure = key;
      draw();
      showSelection();
    });
  container.replaceChildren(buttons, body);
  draw();
});

function drawAblation(container, width, ablation, key) {
  const legend = legendOf([
    ["disc conductance", "channels of highest mean |conductance|"],
    ["square activation", `random channels, mean of ${ablation.settings.draws} draws`],
    ["ray", "the unchanged network"],
  ]);
  container.replaceChildren(legend,
    titled("Damage by layer", damageChart(ablation, key, width)),
    titled("Deletion curves", deletionCurves(ablation, key, width)));
}

/** The area over each curve: of the highest channels and of random ones. */
function damageChart(ablation, key, width) {
  const rows = ablation.layers
    .map((layer) => ({ layer, index: layerIndex.get(layer.layer), damage: layer.area[key] }))
    .filter(({ index, damage }) => index !== undefined && damage);
  const of = (name, colour, symbol) => rows.map((row) => ({ ...row, figure: row.damage[name], colour, symbol }));
  const top = of("top", "var(--conductance)", "circle");
  const control = of("control", "var(--activation)", "square");
  const [low, high] = spanOf([...top, ...control]);
  const chart = layerChart({
    width,
    x: { domain: [low, high * 1.03], label: `${measures[key].damage}, mean over the curve →` },
    marks: [
      Plot.ruleX([0], { stroke: "var(--muted)" }),
      ...intervalMarks(control, { name: "control", dy: 3 }),
      ...intervalMarks(top, { name: "points", dy: -3 }),
    ],
  });
  const items = [["points", top], ["control", control]].flatMap(([name, points]) => {
    const nodes = markNodes(chart, name);
    return points.map((point, position) => ({
      node: nodes[position], index: point.index, describe: () => describeDamage(point, key),
    }));
  });
  answering(chart, items);
  return figure(chart, "Area over the deletion curve by layer; arrow keys step through them");
}

function describeDamage({ index, layer, damage }, key) {
  const of = (interval) => `${measures[key].format(interval.value)} ${formatInterval(interval.ci)}`;
  return {
    title: layerTitle(index),
    lines: [
      ["", `${layer.n_channels} channels; ${measures[key].damage}, mean over the curve`],
      ["highest", of(damage.top)],
      ["random", of(damage.control)],
      ["effect", `${of(damage.effect)}, paired by sample`],
    ],
  };
}

function deletionCurves(ablation, key, width) {
  const columns = Math.max(1, Math.floor((width + 16) / 216));
  const size = Math.floor((width - 16 * (columns - 1)) / columns);
  const shown = ablation.layers
    .map((layer) => ({ layer, index: layerIndex.get(layer.layer) }))
    .filter(({ index }) => index !== undefined);
  const ends = shown.flatMap(({ layer }) => layer.curve.flatMap(({ top, control }) => [...top[key].ci, ...control[key].ci]));
  const intact = ablation.intact[key];
  const domain = d3.extent([...ends, ...intact.ci].filter(Number.isFinite));
  const grid = element("div", { class: "multiples", style: `grid-template-columns: repeat(${columns}, ${size}px)` });
  const items = shown.flatMap(({ layer, index }) => {
    const { panel, nodes } = deletionCurve(layer, index, { key, size, domain, intact });
    grid.append(panel);
    return nodes.map(([node, name, point]) => ({
      node, index, describe: () => describeDeletion(layer, index, name, point, key),
    }));
  });
  answering(grid, items);
  grid.setAttribute("role", "group");
  grid.setAttribute("aria-label", "Deletion curve of each layer; arrow keys step through their points");
  const note = `${measures[key].axis} against the share of the layer’s channels replaced; bands are 95 % intervals.`;
  return element("figure", {}, grid, element("figcaption", {}, note));
}

/** One layer's curves, with their points in order. */
function deletionCurve(layer, index, { key, size, domain, intact }) {
  const series = [["control", "var(--activation)", "square"], ["top", "var(--conductance)", "circle"]];
  const start = { n_channels: 0, fraction: 0, top: { [key]: intact }, control: { [key]: intact } };
  const points = [start, ...layer.curve];
  const chart = Plot.plot({
    width: size,
    height: 132,
    marginLeft: 38,
    marginRight: 8,
    marginTop: 6,
    marginBottom: 22,
    style: chartStyle(11),
    x: { domain: [0, 1], ticks: [0, 0.5, 1], label: null, tickFormat: (share) => `${share * 100} %` },
    y: { domain, ticks: 4, label: null, tickFormat: key === "accuracy" || key === "agreement" ? "%" : undefined },
    marks: [
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1, ticks: 4 }),
      Plot.ruleY([intact.value], { stroke: "var(--ray)", strokeDasharray: "1 3" }),
      ...series.flatMap(([name, colour, symbol]) => [
        Plot.areaY(points, {
          x: "fraction", y1: (p) => p[name][key].ci[0], y2: (p) => p[name][key].ci[1], fill: colour, fillOpacity: 0.15,
        }),
        Plot.line(points, { x: "fraction", y: (p) => p[name][key].value, stroke: colour, strokeWidth: 1.5 }),
        Plot.dot(layer.curve, {
          x: "fraction", y: (p) => p[name][key].value, r: 2.5, symbol, fill: colour, stroke: "var(--paper)",
          strokeWidth: 0.75, className: name,
        }),
      ]),
    ],
  });
  const title = element("h4", { "data-layer": index }, element("bdi", {}, fitted(layerTitle(index), size - 12, 12)));
  const nodes = ["top", "control"].flatMap((name) => markNodes(chart, name)
    .map((node, position) => [node, name, layer.curve[position]]));
  return { panel: element("div", { class: "multiple" }, title, chart), nodes };
}

function describeDeletion(layer, index, name, point, key) {
  const lines = Object.entries(measures)
    .filter(([measure]) => point[name][measure])
    .map(([measure, { title, format }]) => [title, `${format(point[name][measure].value)} ${formatInterval(point[name][measure].ci)}`]);
  lines.sort(([a], [b]) => (b === measures[key].title) - (a === measures[key].title));
  const which = name === "top" ? "of highest conductance" : "at random";
  return {
    title: layerTitle(index),
    lines: [["", `${point.n_channels} of ${layer.n_channels} channels replaced, ${which}`], ...lines],
  };
}
