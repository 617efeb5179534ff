// How many path steps the samples took.

section("steps-chart", (container, width) => {
  const counts = plane.step_counts;
  const steps = counts.map((count) => count.steps);
  const gaps = d3.pairs(steps, (a, b) => b - a);
  const half = Math.min(d3.min(gaps) ?? 1, 4) * 0.45;
  const chart = Plot.plot({
    width,
    height: 220,
    marginLeft: 50,
    marginRight: 24,
    marginTop: 26,
    marginBottom: 40,
    style: chartStyle(),
    x: { domain: [d3.min(steps) - 2 * half, d3.max(steps) + 2 * half], label: "path steps →", labelAnchor: "right",
      ticks: d3.ticks(d3.min(steps), d3.max(steps), 10).filter(Number.isInteger), tickFormat: String },
    y: { label: "↑ samples", ticks: 4 },
    marks: [
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1, ticks: 4 }),
      Plot.rect(counts, {
        x1: (count) => count.steps - half, x2: (count) => count.steps + half, y1: 0, y2: "samples",
        fill: "var(--conductance)", className: "points",
      }),
      Plot.ruleY([0], { stroke: "var(--muted)" }),
    ],
  });
  const nodes = markNodes(chart, "points");
  answering(chart, counts.map((count, position) => ({
    node: nodes[position],
    index: null,
    describe: () => ({ title: `${count.steps} steps`, lines: [["samples", `${count.samples} of ${plane.n}`]] }),
  })));
  container.replaceChildren(figure(chart, "Samples by number of path steps; arrow keys step through them"));
});
