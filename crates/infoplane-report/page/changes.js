// What happens from one cut layer to the next: changes with intervals about 0.

/**
 * Changes of one quantity: `points[i]` is `{ index, figure, colour, hollow, word, describe }`. The word
 * stands on the other side of 0 than its change. `wrong` is the sign of the side to shade.
 */
function changeChart({ width, named, points, label, name, wrong = 0 }) {
  const plot = Math.max(80, width - 18 - (named ? layerAxis(width).margin : 34));
  const words = points.filter((point) => point.word);
  const longest = d3.max(words, (point) => textWidth(point.word, 11)) ?? 0;
  const [low, high] = withRoom(spanOf(points), longest + 14, plot);
  const shaded = wrong < 0 ? [low, 0] : [0, high];
  const side = (negative) => Plot.text(words.filter((point) => (point.figure.value < 0) === negative), {
    x: 0, y: "index", text: "word", dx: negative ? 7 : -7, textAnchor: negative ? "start" : "end",
    fontSize: 11, fill: "var(--ink)",
  });
  const chart = layerChart({
    width,
    named,
    x: { domain: [low, high], label },
    marks: [
      wrong ? Plot.rect([shaded], { x1: (d) => d[0], x2: (d) => d[1], fill: "var(--shade)" }) : null,
      Plot.ruleX([0], { stroke: "var(--muted)" }),
      ...intervalMarks(points),
      side(true),
      side(false),
    ],
  });
  const nodes = markNodes(chart, "points");
  answering(chart, points.map((point, position) => ({
    node: nodes[position], index: point.index, describe: point.describe,
  })));
  return figure(chart, `${name}; arrow keys step through them`);
}
