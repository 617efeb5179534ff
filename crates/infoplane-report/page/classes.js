// What the layers tell of each class: a heat map of classes by layers.

const classesState = { kind: "conductance", order: "given" };
const classOrders = {
  given: { title: "class", of: (bits, position) => position },
  end: { title: "bits at the last layer", of: (bits) => -(bits[bits.length - 1] ?? -Infinity) },
  most: { title: "most bits anywhere", of: (bits) => -(d3.max(bits) ?? -Infinity) },
  spread: { title: "range over the layers", of: (bits) => -((d3.max(bits) ?? 0) - (d3.min(bits) ?? 0)) },
};

section("classes-chart", (container, width) => {
  const offered = kinds.filter((kind) => plane.classes.some((row) => row.kind === kind));
  if (!offered.includes(classesState.kind)) [classesState.kind] = offered;
  const body = element("div");
  const draw = () => {
    drawClasses(body, width);
    showSelection();
  };
  const buttons = choice("Vectors", "class-kind", offered.map((kind) => [kind, kindTitle[kind]]), classesState.kind,
    (kind) => {
      classesState.kind = kind;
      draw();
    });
  const orders = choice("Sort by", "class-order", Object.entries(classOrders).map(([key, { title }]) => [key, title]),
    classesState.order, (order) => {
      classesState.order = order;
      draw();
    });
  container.replaceChildren(element("div", { class: "choices" }, buttons, orders), body);
  draw();
});

function drawClasses(container, width) {
  const rows = plane.classes.filter((row) => row.kind === classesState.kind && layerIndex.has(row.layer));
  const columns = rows.map((row) => layerIndex.get(row.layer))
    .map((layer) => ({ label: String(layers[layer].ordinal), layer }));
  const classes = plane.label.names.map((label, position) => ({ label, bits: rows.map((row) => row.bits[position]) }));
  const order = classOrders[classesState.order].of;
  const keyed = classes.map((one, position) => ({ one, key: order(one.bits, position) }));
  const shown = d3.sort(keyed, ({ key }) => key).map(({ one }) => one);
  const highest = d3.max(classes, ({ bits }) => d3.max(bits)) || 1;
  // Estimates of what a layer does not tell scatter about 0; their colour is that of 0.
  const colour = (bits) => d3.interpolateCividis(Math.round(20 * Math.max(0, bits) / highest) / 20);
  // A scroll bar stands beside the cells.
  const room = (width - nameRoom(classes, width) - 16) / Math.max(columns.length, 1);
  const map = heatMap({
    rows: shown,
    columns,
    value: (row, column) => shown[row].bits[column],
    colour,
    describe: (row, column) => ({
      title: shown[row].label,
      lines: [
        ["layer", layerTitle(columns[column].layer)],
        [kindTitle[classesState.kind], shown[row].bits[column] === null
          ? "undefined: the class has one sample" : `${formatNumber(shown[row].bits[column])} bits`],
      ],
    }),
    name: `Bits that ${classesState.kind}s tell of each class, by layer`,
    cell: { width: Math.max(14, Math.min(56, Math.floor(room))), height: shown.length > 40 ? 14 : 18 },
    width,
  });
  container.replaceChildren(heatLegend(colour, [0, highest], "bits"), map, element("p", { class: "note" },
    "Columns are the layers by number, from input to output; choose a column to select its layer."));
}
