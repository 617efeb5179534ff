// Layers on the plane during training: paths, and a slider over the checkpoints.

const { series, layers } = data;
const last = series.checkpoints.length - 1;
const layerIndex = new Map(layers.map((layer, index) => [layer.name, index]));
const readings = [...new Map(series.paths.map((path) => [`${path.estimator}\n${path.label}`, path])).entries()]
  .map(([key, { estimator, label }]) => [key, `${estimator}, label ${label}`]);

const state = { reading: readings[0]?.[0], checkpoint: last, selected: null };

/** The chosen paths of one kind, each with its layer's index and the points that have a place on the plane. */
function pathsOf(kind) {
  return series.paths
    .filter((path) => path.kind === kind && `${path.estimator}\n${path.label}` === state.reading)
    .map((path) => ({
      ...path,
      index: layerIndex.get(path.layer),
      placed: path.points.map((point, checkpoint) => ({ ...point, checkpoint }))
        .filter((point) => point.mi_x && point.mi_y),
    }));
}

function select(index) {
  state.selected = state.selected === index ? null : index;
  markSelected(state.selected);
}

function formatPathFigure(figure) {
  if (!figure) return "undefined";
  const marks = [figure.saturated ? ", saturated" : "", figure.flagged ? ", bracket too wide" : ""].join("");
  return `${formatNumber(figure.value)} bits ${formatInterval(figure.ci)}${marks}`;
}

function describe(path, point) {
  const symbol = kindSymbol[path.kind];
  return {
    title: layers[path.index].shown,
    lines: [
      ["", `${kindTitle[path.kind]} at ${series.checkpoints[point.checkpoint].name}, ${point.checkpoint + 1} of ${last + 1}`],
      [`I(X;${symbol})`, formatPathFigure(point.mi_x)],
      [`I(${symbol};Y)`, formatPathFigure(point.mi_y)],
    ],
  };
}

/** One plane: the whole paths pale, up to the chosen checkpoint strong, and a point a layer where it then is. */
function drawPaths(kind, width, domains) {
  const paths = pathsOf(kind).filter((path) => path.placed.length > 0);
  const symbol = kindSymbol[kind];
  const steps = paths.flatMap((path) => path.placed.map((point) => ({ ...point, index: path.index })));
  const walked = steps.filter((step) => step.checkpoint <= state.checkpoint);
  const now = paths.flatMap((path) => {
    const point = path.placed.findLast((step) => step.checkpoint <= state.checkpoint);
    return point ? [{ ...point, path, index: path.index }] : [];
  });
  const line = (points, opacity) => Plot.line(points, {
    x: (p) => p.mi_x.value, y: (p) => p.mi_y.value, z: "index", stroke: (p) => depthColour(p.index),
    strokeWidth: 1.5, strokeOpacity: opacity,
  });
  const chart = Plot.plot({
    width, height: Math.round(Math.min(width * 0.85, 520)), marginLeft: 50, marginRight: 26, marginTop: 26, marginBottom: 42,
    style: chartStyle(),
    x: { domain: domains.x, nice: true, label: `I(X;${symbol}), bits →`, labelAnchor: "right", ticks: 6 },
    y: { domain: domains.y, nice: true, label: `↑ I(${symbol};Y), bits`, ticks: 6 },
    color: { type: "identity" },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      line(steps, 0.22),
      line(walked, 0.9),
      Plot.dot(now, {
        x: (p) => p.mi_x.value, y: (p) => p.mi_y.value, r: 5,
        fill: (p) => (isTrusted(p) ? depthColour(p.index) : "var(--paper)"),
        stroke: (p) => (isTrusted(p) ? "var(--paper)" : depthColour(p.index)), strokeWidth: 1.5, className: "points",
      }),
      Plot.text(now, {
        x: (p) => p.mi_x.value, y: (p) => p.mi_y.value, text: (p) => layers[p.index].short, fontSize: 11, dx: 9,
        textAnchor: "start", fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 3, className: "labels",
      }),
    ],
  });
  const nodes = markNodes(chart, "points");
  answering(chart, now.map((point, position) => ({
    node: nodes[position], index: point.index, describe: () => describe(point.path, point),
  })));
  const panel = figure(chart, `${kindTitle[kind]} plane at ${series.checkpoints[state.checkpoint].name}; arrow keys step through the layers`,
    kindTitle[kind]);
  panel.addEventListener("placed", () => thinLabels(markNodes(chart, "labels"), now.map((_, position) => position), nodes));
  return panel;
}

section("series-plane", (container, width) => {
  const shown = kinds.filter((kind) => pathsOf(kind).some((path) => path.placed.length > 0));
  if (shown.length === 0) {
    container.replaceChildren(element("p", { class: "note" }, "This estimator has no I(X;·) or the samples no labels: there is no plane. The table holds its figures."));
    return;
  }
  const all = shown.flatMap(pathsOf).flatMap((path) => path.placed);
  const domains = {
    x: d3.extent([0, ...all.map((point) => point.mi_x.value)]),
    y: d3.extent([0, ...all.map((point) => point.mi_y.value)]),
  };
  const beside = width >= 860 && shown.length > 1;
  const share = beside ? Math.floor((width - 24) / 2) : Math.min(width, 640);
  const panels = shown.map((kind) => drawPaths(kind, share, domains));
  container.replaceChildren(element("div", { class: "panels" }, ...panels));
  for (const panel of panels) panel.dispatchEvent(new Event("placed"));
});

function drawAll() {
  hideTooltip();
  drawSections();
  markSelected(state.selected);
}

/** The slider over the checkpoints, with buttons, and the list of estimators. */
function startSeries() {
  const slider = element("input", { type: "range", min: "0", max: String(last), step: "1", id: "checkpoint" });
  const words = element("output", { for: "checkpoint" });
  const go = (checkpoint) => {
    state.checkpoint = Math.max(0, Math.min(last, checkpoint));
    const { name, accuracy } = series.checkpoints[state.checkpoint];
    slider.value = String(state.checkpoint);
    slider.setAttribute("aria-valuetext", name);
    const right = accuracy ? `, ${formatPercent(accuracy.correct / Math.max(accuracy.labelled, 1))} right` : "";
    words.replaceChildren(element("bdi", {}, name), ` (${state.checkpoint + 1} of ${last + 1}${right})`);
    drawAll();
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  const button = (title, by) => {
    const node = element("button", { type: "button" }, title);
    node.addEventListener("click", () => go(state.checkpoint + by));
    return node;
  };
  const reading = dropDown("Estimator", readings, state.reading, (chosen) => {
    state.reading = chosen;
    drawAll();
  });
  document.getElementById("series-time").replaceChildren(
    ...(readings.length > 1 ? [reading] : []),
    element("label", { for: "checkpoint" }, "Checkpoint"), button("Earlier", -1), slider, button("Later", 1), words,
  );
  drawWithWidth(() => go(state.checkpoint));
}

for (const row of document.querySelectorAll("[data-name]")) row.dataset.layer = layerIndex.get(row.dataset.name);
document.body.append(tooltip);
startTheme();
startSeries();
