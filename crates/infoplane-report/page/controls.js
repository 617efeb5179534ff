// Controls: the figures of each layer with one thing changed, beside those of the run.

const controlQuantities = {
  mi_y: { title: "I(C;Y)", axis: "I(C;Y), bits", run: "mi_y", changed: "changed_mi_y" },
  ite: { title: "ITE", axis: "ITE", run: "ite", changed: "changed_ite" },
  mi_x: { title: "I(X;C)", axis: "I(X;C), bits", run: "mi_x", changed: "changed_mi_x" },
  rank: { title: "rank correlation", axis: "Spearman’s ρ of a sample’s two vectors, mean", changed: "rank_correlation" },
  difference: { title: "relative difference", axis: "‖C′ − C‖ / ‖C‖, mean over the samples", changed: "relative_difference" },
};
const controlsState = { control: null, quantity: labelled ? "mi_y" : "mi_x" };

section("controls-chart", (container, width) => {
  const { controls } = plane.controls;
  controlsState.control ??= Math.max(0, controls.findIndex((control) => control.verdict !== null));
  const body = element("div");
  const offered = Object.entries(controlQuantities)
    .filter(([, { changed }]) => controls.some((control) => control.layers.some((row) => row[changed])));
  const draw = () => {
    drawControl(body, width, controls[controlsState.control], controlQuantities[controlsState.quantity]);
    showSelection();
  };
  const which = choice("Change", "control", controls.map((control, position) => [String(position), control.name]),
    String(controlsState.control), (position) => {
      controlsState.control = Number(position);
      draw();
    });
  const what = choice("Show", "control-quantity", offered.map(([key, { title }]) => [key, title]), controlsState.quantity,
    (key) => {
      controlsState.quantity = key;
      draw();
    });
  container.replaceChildren(element("div", { class: "choices" }, which, what), body);
  draw();
});

function drawControl(container, width, control, quantity) {
  const rows = control.layers.map((row) => ({ row, index: layerIndex.get(row.layer) }))
    .filter(({ index }) => index !== undefined);
  const of = (field, colour, symbol) => rows.filter(({ row }) => field && row[field])
    .map(({ row, index }) => ({ row, index, figure: row[field], colour, symbol }));
  const run = of(quantity.run, "var(--conductance)", "circle");
  const changed = of(quantity.changed, "var(--activation)", "square");
  const [low, high] = spanOf([...run, ...changed]);
  const shift = run.length > 0 ? 3 : 0;
  const chart = layerChart({
    width,
    x: { domain: [low, high * 1.03], label: `${quantity.axis} →` },
    marks: [
      Plot.ruleX([0], { stroke: "var(--muted)" }),
      Plot.line(run, { x: (p) => p.figure.value, y: "index", stroke: "var(--conductance)", strokeOpacity: 0.35, dy: -shift }),
      Plot.line(changed, { x: (p) => p.figure.value, y: "index", stroke: "var(--activation)", strokeOpacity: 0.35, dy: shift }),
      ...intervalMarks(changed, { name: "changed", dy: shift }),
      ...intervalMarks(run, { name: "points", dy: -shift }),
    ],
  });
  const items = [["points", run], ["changed", changed]].flatMap(([name, points]) => {
    const nodes = markNodes(chart, name);
    return points.map(({ row, index }, position) => ({
      node: nodes[position], index, describe: () => describeControl(control, row, index),
    }));
  });
  answering(chart, items);
  const keys = [["square activation", `${control.change} (N = ${control.n})`]];
  if (run.length > 0) keys.unshift(["disc conductance", "the run, on the same samples"]);
  const verdict = control.verdict ? control.verdict.replaceAll("_", " ") : "a stage on the way";
  container.replaceChildren(legendOf(keys),
    figure(chart, `${quantity.title} of the run and of the control by layer; arrow keys step through them`, `${control.name}: ${verdict}.`));
}

function describeControl(control, row, index) {
  const both = (run, changed) => `${formatChange(changed, "")}, in the run ${formatChange(run, "")}`;
  const lines = [["", control.change]];
  if (row.mi_y) lines.push(["I(C;Y)", both(row.mi_y, row.changed_mi_y)]);
  if (row.mi_y_difference) lines.push(["difference", formatChange(row.mi_y_difference)]);
  lines.push(["I(X;C)", both(row.mi_x, row.changed_mi_x)]);
  if (row.ite) lines.push(["ITE", both(row.ite, row.changed_ite)]);
  if (row.rank_correlation) lines.push(["rank correlation", formatChange(row.rank_correlation, "")]);
  if (row.relative_difference) lines.push(["‖C′ − C‖ / ‖C‖", formatChange(row.relative_difference, "")]);
  return { title: layerTitle(index), lines };
}
