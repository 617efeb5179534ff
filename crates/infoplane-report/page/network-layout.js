// Where the drawing of the network puts blocks, lines and names: from left to right where each column
// has room for its name, else downwards. A compact drawing runs to the right, if need be without names.

/** Narrowest column with a name under it, in pixels. */
const NARROWEST_COLUMN = 17;

/** Boxes, paths and labels for a drawing of this width. `along` counts pixels in the direction of the
 * network, `across` at right angles to it, less than 0 on the side of the arcs. */
function networkLayout(width, compact) {
  const columns = Math.max(network.columns, 2);
  const horizontal = compact || width / columns >= NARROWEST_COLUMN;
  const inColumn = d3.rollup(network.places, (places) => places.length, ({ column }) => column);
  const widest = d3.max(inColumn.values());
  return horizontal
    ? rightwards(width, columns, widest, inColumn, compact)
    : downwards(width, columns, widest, inColumn);
}

function rightwards(width, columns, widest, inColumn, compact) {
  const pitch = Math.min(width / columns, 110);
  const size = [Math.min(pitch * 0.62, 46), Math.max(15, Math.min(compact ? 38 : 48, 130 / widest))];
  const named = pitch >= NARROWEST_COLUMN;
  const longest = longestName();
  const turned = named && longest > pitch - 6;
  const labelRoom = turned ? Math.min(longest, compact ? 110 : 140) : pitch - 4;
  const figures = pitch >= 34;
  const half = halfBreadth(widest, size[1]);
  const middle = arcRoom() + half;
  const below = middle + half + (figures ? 14 : 0);
  const height = below + 12 + (turned ? labelRoom : 14);
  const left = (width - pitch * columns) / 2;
  const along = (column) => left + pitch * (column + 0.5);
  const point = (a, c) => [a, middle + c];
  return {
    width, height, horizontal: true, named, labelRoom,
    ...shared(size, along, point, inColumn, true),
    labelAnchor: turned ? "end" : "middle",
    label: (column) => `translate(${along(column)},${below + (turned ? 8 : 12)})${turned ? " rotate(-90)" : ""}`,
    figureAt: figures ? (column) => [along(column), middle + half + 13] : null,
  };
}

function downwards(width, columns, widest, inColumn) {
  const pitch = columns > 40 ? 17 : 24;
  const size = [pitch * 0.66, Math.max(15, Math.min(64, 130 / widest))];
  const half = halfBreadth(widest, size[1]);
  const middle = Math.min(arcRoom(), width * 0.2) + half;
  const along = (column) => pitch * (column + 0.5);
  const point = (a, c) => [middle + c, a];
  const nameAt = middle + half + 10;
  const labelRoom = Math.min(longestName(), width - nameAt - 50);
  return {
    width, height: pitch * columns, horizontal: false, named: true, labelRoom,
    ...shared(size, along, point, inColumn, false),
    labelAnchor: "start",
    label: (column) => `translate(${nameAt},${along(column)})`,
    figureAt: (column) => [nameAt + labelRoom + 48, along(column)],
  };
}

/** Room for the longest name with its number and mark. */
function longestName() {
  return (d3.max(layers, (layer) => textWidth(`${layer.ordinal} ${layer.short}`, 11)) ?? 0) + 20;
}

/** Half of what the lanes take up across. */
function halfBreadth(widest, size) {
  return (widest * size + (widest - 1) * LANE_GAP) / 2;
}

const LANE_GAP = 6;

/** Room for the highest arc. */
function arcRoom() {
  const spans = network.edges.map((edge) => network.places[edge.to].column - network.places[edge.from].column);
  const arcs = network.edges.some((edge) => edge.skip !== "none") || spans.some((span) => span > 1);
  return arcs ? arcHeight(Math.max(1, d3.max(spans) ?? 1)) + 6 : 8;
}

function arcHeight(span) {
  return Math.min(12 + 8 * (span - 1), 84);
}

/** What both directions have in common: `size` is a block's length along and across. */
function shared([length, breadth], along, point, inColumn, horizontal) {
  const places = network.places;
  const at = (node) => [along(places[node].column), places[node].lane * (breadth + LANE_GAP)];
  const path = (first, ...curve) => `M${point(...first)}C${curve.map((p) => point(...p)).join(" ")}`;
  const isLayer = (node) => node > 0 && node < places.length - 1;
  const reach = (node, size) => (isLayer(node) ? size / 2 : 4);
  const top = (columnFrom, columnTo) => {
    const between = d3.range(columnFrom, columnTo + 1).map((column) => inColumn.get(column) ?? 1);
    return -halfBreadth(d3.max(between), breadth);
  };
  return {
    isLayer,
    lanes: (node) => inColumn.get(places[node].column),
    box(node) {
      const [a, c] = at(node);
      const [x, y] = point(a, c);
      const [width, height] = horizontal ? [length, breadth] : [breadth, length];
      return { x: x - width / 2, y: y - height / 2, width, height };
    },
    line(from, to) {
      const [[a, c], [b, d]] = [at(from), at(to)];
      const [start, end] = [a + reach(from, length), b - reach(to, length)];
      const half = (end - start) / 2;
      return path([start, c], [start + half, c], [end - half, d], [end, d]);
    },
    arc(from, to, span) {
      const [[a, c], [b, d]] = [at(from), at(to)];
      const [start, end] = [c - reach(from, breadth), d - reach(to, breadth)];
      // A cubic curve rises three quarters of the way to its control points.
      const peak = (top(places[from].column, places[to].column) - arcHeight(span) - Math.max(start, end)) / 0.75;
      const control = Math.max(start, end) + peak;
      return path([a, start], [a, control], [b, control], [b, end]);
    },
  };
}
