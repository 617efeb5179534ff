// The role of each cut layer: ITE, and what the step to it does to both informations.

const rolesState = { kind: "conductance" };

/** Roles that a change of I(X;C) has, and those of I(C;Y). */
const inputRoles = ["compresses", "expands"];
const labelRoles = ["utilises", "loses"];

section("roles-chart", (container, width) => {
  const offered = kinds.filter((kind) => plane.roles.some((row) => row.kind === kind));
  if (!offered.includes(rolesState.kind)) [rolesState.kind] = offered;
  switched(container, {
    legend: "Vectors",
    name: "role-kind",
    options: offered.map((kind) => [kind, kindTitle[kind]]),
    chosen: rolesState.kind,
    change: (kind) => { rolesState.kind = kind; },
    draw: (part) => drawRoles(part, width, rolesState.kind),
  });
});

function drawRoles(container, width, kind) {
  const symbol = kindSymbol[kind];
  const steps = plane.roles
    .filter((row) => row.kind === kind)
    .map((row) => ({ row, index: layerIndex.get(row.to) }))
    .filter((step) => step.index !== undefined);
  const panels = [
    (size, named) => titled("Efficiency", iteChart(kind, size, named)),
    (size, named) => titled(`Change of I(X;${symbol})`, roleChart(steps, size, named, {
      of: (row) => row.mi_x_change, roles: inputRoles, label: `ΔI(X;${symbol}), bits →`, kind,
    })),
  ];
  if (steps.some(({ row }) => row.mi_y_change)) {
    panels.push((size, named) => titled(`Change of I(${symbol};Y)`, roleChart(steps, size, named, {
      of: (row) => row.mi_y_change, roles: labelRoles, label: `ΔI(${symbol};Y), bits →`, kind,
    })));
  }
  if (!labelled) panels.shift();
  const legend = legendOf([
    ["disc role-down", "compresses or loses"], ["disc role-up", "utilises or expands"],
    ["hollow", "preserves: within its interval of 0"],
    ...(steps.some(({ row }) => row.roles.length === 0) ? [["cross", "no role: a figure is saturated"]] : []),
  ]);
  container.replaceChildren(legend, layerPanels(width, panels));
}

/** A figure under a heading. */
function titled(title, panel) {
  panel.prepend(element("h3", {}, title));
  return panel;
}

function iteChart(kind, width, named) {
  const points = rowsOf(kind, own)
    .filter((row) => row.ite.ratio)
    .map((row) => ({
      row, index: row.index, figure: row.ite.ratio,
      colour: `var(--${kind})`, symbol: row.cut ? "circle" : "diamond2", hollow: !isTrusted(row),
    }));
  const [low, high] = spanOf(points);
  const chart = layerChart({
    width,
    named,
    x: { domain: [low, high * 1.03], label: "ITE →" },
    marks: [
      Plot.line(points, { x: (p) => p.figure.value, y: "index", stroke: `var(--${kind})`, strokeOpacity: 0.35 }),
      ...intervalMarks(points),
    ],
  });
  const nodes = markNodes(chart, "points");
  answering(chart, points.map((point, position) => ({
    node: nodes[position], index: point.index, describe: () => describeRow(point.row),
  })));
  return figure(chart, `ITE of ${kind}s by layer; arrow keys step through them`);
}

function roleChart(steps, width, named, { of, roles, label, kind }) {
  const points = steps.filter(({ row }) => of(row)).map(({ row, index }) => {
    const word = row.roles.find((role) => roles.includes(role)) ?? "";
    return {
      index,
      figure: of(row),
      word,
      hollow: word === "",
      symbol: row.roles.length === 0 ? "times" : "circle",
      colour: roleColour(word, of(row).value),
      describe: () => describeRole(row, index, kind),
    };
  });
  return changeChart({ width, named, points, label, name: `${label.slice(0, -2)} at each cut layer` });
}

function roleColour(word, change) {
  if (word === "") return "var(--muted)";
  return change < 0 ? "var(--role-down)" : "var(--role-up)";
}

function describeRole(row, index, kind) {
  const symbol = kindSymbol[kind];
  const from = layers[layerIndex.get(row.from)];
  const words = row.roles.length > 0 ? row.roles.join(", ") : "none: a figure of the step is saturated";
  const lines = [
    ["role", words],
    ["from", from ? `${from.ordinal}  ${from.shown}` : row.from],
    [`ΔI(X;${symbol})`, formatChange(row.mi_x_change)],
  ];
  if (row.mi_y_change) lines.push([`ΔI(${symbol};Y)`, formatChange(row.mi_y_change)]);
  return { title: layerTitle(index), lines };
}
