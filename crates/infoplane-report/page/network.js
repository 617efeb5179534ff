// The network as a drawing: a block for each layer, coloured and filled by one quantity, lines for what
// leads from one to the next, arcs for skip connections.

/** What blocks can show; the layers are ranked by those with `ranks`, in which the output has no part. */
const blockQuantities = {
  ratio: { title: "ITE", unit: "", of: (row) => row.ite.ratio, ranks: true },
  mi_x: { title: "I(X;C)", unit: " bits", of: (row) => row.mi_x },
  mi_y: { title: "I(C;Y)", unit: " bits", of: (row) => row.mi_y, ranks: true },
  ablation: { title: "Ablation effect", unit: ` ${plane.ablation?.unit ?? ""}`, evidence: plane.ablation?.layers ?? [] },
};

const networkState = { quantity: labelled ? "ratio" : "mi_x" };

section("network-chart", (container, width) => {
  const offered = Object.entries(blockQuantities).filter(([key, quantity]) => (key === "ablation"
    ? quantity.evidence.length > 0 : plane.rows.some((row) => quantity.of(row))));
  const draw = (part) => {
    const key = networkState.quantity;
    const blocks = blocksOf(key, state);
    const note = key === "ablation" ? [] : readingNote();
    if (blocks.every(({ figure }) => !figure)) {
      note.push(element("p", { class: "note" }, `${blockQuantities[key].title} is undefined at every layer by ${readingWords()}.`));
    }
    part.replaceChildren(...note, ...drawNetwork(width, blocks, blockQuantities[key]));
  };
  switched(container, {
    legend: "Colour by",
    name: "block-quantity",
    options: offered.map(([key, { title }]) => [key, title]),
    chosen: networkState.quantity,
    change: (key) => { networkState.quantity = key; },
    draw,
  });
});

section("glance-chart", (container, width) => {
  const key = labelled ? "ratio" : "mi_x";
  container.replaceChildren(...drawNetwork(width, blocksOf(key, own), blockQuantities[key], true));
});

/** What each layer's block shows, by the layer's index. */
function blocksOf(key, reading) {
  const kind = state.vectors === "activation" && reading === state ? "activation" : "conductance";
  const rows = rowsOf(kind, reading);
  const quantity = blockQuantities[key];
  return layers.map((layer, index) => {
    const row = rows.find((candidate) => candidate.index === index);
    const figure = quantity.evidence
      ? quantity.evidence.find((evidence) => evidence.layer === layer.name)?.effect
      : row && quantity.of(row);
    const known = figure && Number.isFinite(figure.value);
    const trusted = quantity.evidence ? true : Boolean(row && isTrusted(row));
    return { index, row, kind, figure: known ? figure : null, trusted, output: Boolean(quantity.ranks && layer.output) };
  });
}

/** Layers that both kinds of evidence call critical. */
const criticalByBoth = new Set(plane.critical.filter((layer) => layer.verdict === "both").map((layer) => layer.layer));

/** A legend, the drawing, and what must be said of it. */
function drawNetwork(width, blocks, quantity, compact = false) {
  const values = blocks.flatMap(({ figure }) => (figure ? [figure.value] : []));
  const [low, high] = [Math.min(0, d3.min(values) ?? 0), Math.max(0, d3.max(values) ?? 0)];
  const share = (value) => (high > low ? (value - low) / (high - low) : 0);
  const layout = networkLayout(width, compact);
  const drawing = d3.create("svg").attr("width", layout.width).attr("height", layout.height)
    .attr("viewBox", `0 0 ${layout.width} ${layout.height}`).attr("class", "network");
  for (const edge of network.edges) drawEdge(drawing, layout, edge);
  for (const end of [0, network.places.length - 1]) drawEnd(drawing, layout, end);
  const nodes = blocks.map((block) => drawBlock(drawing, layout, block, share));
  nameColumns(drawing, layout, blocks);
  const chart = drawing.node();
  const name = `The network with ${layers.length} layers by ${quantity.title}; arrow keys step through them`;
  const caption = network.known ? "" : "The run does not say how its layers hang together: they are drawn as a chain.";
  const panel = figure(chart, name, caption);
  answering(chart, blocks.map((block, position) => ({
    node: nodes[position], index: block.index, describe: () => describeBlock(block, quantity),
  })));
  return [networkLegend(quantity, low, high, blocks), panel];
}

/** One layer: its outline, filled from zero to its value. */
function drawBlock(drawing, layout, { index, figure, trusted, output }, share) {
  const { x, y, width, height } = layout.box(index + 1);
  const group = drawing.append("g").attr("class", trusted && !output ? "block" : "block untrusted");
  group.append("rect").attr("class", "outline").attr("x", x).attr("y", y)
    .attr("width", width).attr("height", height).attr("rx", 2);
  if (figure) {
    const [from, to] = d3.sort([share(0), share(figure.value)]);
    const filled = layout.horizontal
      ? { x, y: y + height * (1 - to), width, height: height * (to - from) }
      : { x: x + width * from, y, width: width * (to - from), height };
    group.append("rect").attr("class", "filling").attr("x", filled.x).attr("y", filled.y)
      .attr("width", filled.width).attr("height", filled.height).attr("rx", 1)
      .attr("style", `fill: ${shareColour(share(figure.value))}`);
  }
  if (layout.lanes(index + 1) > 1) {
    group.append("text").attr("class", "number").attr("x", x + width / 2).attr("y", y + height / 2)
      .attr("dy", "0.35em").attr("text-anchor", "middle").text(layers[index].ordinal);
  }
  return group.node();
}

/** The colour of a share of the scale, from pale to strong. */
function shareColour(share) {
  return `color-mix(in oklab, var(--scale-high) ${(100 * share).toFixed(1)}%, var(--scale-low))`;
}

/** The network's input or output. */
function drawEnd(drawing, layout, node) {
  const { x, y, width, height } = layout.box(node);
  drawing.append("circle").attr("class", "end").attr("cx", x + width / 2).attr("cy", y + height / 2).attr("r", 4);
}

function drawEdge(drawing, layout, edge) {
  const span = network.places[edge.to].column - network.places[edge.from].column;
  const joins = [edge.from, edge.to].map((node) => node - 1).join(" ");
  const draw = (path, skip) => drawing.append("path").attr("d", path).attr("data-joins", joins)
    .attr("class", `joint${skip === "weighted" ? " weighted" : ""}`);
  if (span > 1) draw(layout.arc(edge.from, edge.to, span), edge.skip);
  else draw(layout.line(edge.from, edge.to), "none");
  if (span === 1 && edge.skip !== "none") draw(layout.arc(edge.from, edge.to, span), edge.skip);
}

/** The names below the blocks, or beside them with their figures where the drawing runs downwards. */
function nameColumns(drawing, layout, blocks) {
  for (const [column, nodes] of d3.group(network.places.keys(), (node) => network.places[node].column)) {
    const inside = nodes.filter((node) => layout.isLayer(node)).map((node) => node - 1);
    if (inside.length > 0 && !layout.named) continue;
    const label = drawing.append("text").attr("class", "name").attr("transform", layout.label(column))
      .attr("text-anchor", layout.labelAnchor).attr("dy", "0.35em");
    const critical = inside.some((index) => criticalByBoth.has(layers[index].name));
    const name = columnName(nodes, inside, layout.labelRoom - (critical ? 16 : 0));
    const mark = critical ? [["critical", "●"]] : [];
    // The mark stands next to the block: turned names end there.
    const parts = layout.labelAnchor === "end" ? [["", `${name} `], ...mark] : [...mark, ["", ` ${name}`]];
    for (const [look, text] of parts) label.append("tspan").attr("class", look).text(text);
    if (inside.length !== 1) continue;
    label.attr("data-layer", inside[0]);
    if (layout.figureAt) {
      const [x, y] = layout.figureAt(column);
      const { figure } = blocks[inside[0]];
      drawing.append("text").attr("class", "figure").attr("x", x).attr("y", y)
        .attr("dy", layout.horizontal ? "0" : "0.35em").attr("text-anchor", layout.horizontal ? "middle" : "end")
        .text(figure ? formatNumber(figure.value) : "–");
    }
  }
}

/** A layer's number and as much of its name as there is room for; the numbers of several layers. */
function columnName(nodes, inside, room) {
  if (inside.length === 0) return nodes.includes(0) ? "input" : "output";
  const numbers = inside.map((index) => layers[index].ordinal).join(", ");
  if (inside.length > 1) return fitted(numbers, room, 11);
  return `${numbers} ${fitted(layers[inside[0]].short, room - textWidth(`${numbers} `, 11), 11)}`;
}

function networkLegend(quantity, low, high, blocks) {
  const stops = [0, 0.25, 0.5, 0.75, 1].map(shareColour).join(", ");
  const bar = element("span", { class: "gradient", style: `background: linear-gradient(to right, ${stops})` });
  const legend = element("p", { class: "legend" },
    element("span", {}, `${quantity.title}: ${formatNumber(low)}`), bar,
    element("span", {}, `${formatNumber(high)}${quantity.unit}`),
    element("span", { class: "key fill" }, "filled as high as the value"));
  const key = (name, words) => legend.append(element("span", { class: `key ${name}` }, words));
  const skips = new Set(network.edges.map((edge) => edge.skip));
  if (network.known && (skips.has("identity") || network.edges.some(isArc))) key("bypass", "skip connection");
  if (network.known && skips.has("weighted")) key("bypass weighted", "with weights of its own");
  if (layers.some(({ name }) => criticalByBoth.has(name))) key("critical", "critical by plane and ablation");
  if (blocks.some(({ trusted }) => !trusted)) key("untrusted", "saturated or flagged");
  if (blocks.some(({ output }) => output)) key("untrusted", "the network’s output, not ranked");
  return legend;
}

function isArc(edge) {
  return network.places[edge.to].column - network.places[edge.from].column > 1;
}

function describeBlock({ index, row, kind, figure, output }, quantity) {
  const layer = layers[index];
  const { title, lines } = row
    ? describeRow(row)
    : { title: `${layer.ordinal}  ${layer.shown}`, lines: [["", `No figures of the ${kind} by ${readingWords()}`]] };
  const shown = figure ? [] : [["", `${quantity.title} is undefined here`]];
  if (output) shown.push(["", "The network’s output: only the attributed unit has conductance, so its figures tell of the prediction"]);
  const before = network.edges.filter((edge) => edge.to === index + 1).map((edge) => {
    const name = edge.from === 0 ? "the input" : layers[edge.from - 1].shown;
    return edge.skip === "none" ? name : `${name} (with a skip connection)`;
  });
  return { title, lines: [...shown, ...lines, ...ablationFacts(layer.name), ["follows", before.join(", ")]] };
}
