// Heat maps: a grid of cells that scrolls under the heads of its columns and beside the names of its rows.

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/**
 * Draws a heat map. `rows` and `columns` are `{ label, layer }` (a layer's index where it is one),
 * `value(row, column)` is a number or null by position, `colour(value)` its colour, `text(value)` what
 * stands in the cell, `describe(row, column)` what is told of it. All cells of one colour are one path,
 * so that ten thousand of them stay light.
 */
function heatMap({ rows, columns, value, colour, text, describe, name, cell, width }) {
  const names = nameRoom(rows, width);
  const turned = columns.some((column) => textWidth(column.label, 11) > cell.width - 2);
  const longest = d3.max(columns, (column) => textWidth(column.label, 11)) ?? 0;
  const head = turned ? Math.ceil(Math.min(longest, 130)) + 8 : 18;
  const size = { width: columns.length * cell.width, height: rows.length * cell.height };
  const marker = shape("rect", { width: cell.width, height: cell.height, class: "marker", visibility: "hidden" });
  const body = shape("svg", { ...size, class: "cells", "aria-hidden": "true" },
    ...cellPaths({ rows, columns, value, colour, cell }),
    ...(text ? cellTexts({ rows, columns, value, text, colour, cell }) : []),
    ...columnFrames(columns, size, cell), marker);
  const grid = element("div", { class: "heat", tabindex: "0", role: "group", "aria-label": `${name}; arrow keys step through the cells` },
    element("div", { class: "corner" }),
    heads(columns, { size, head, cell, turned }),
    rowNames(rows, { size, names, cell }),
    body);
  grid.style.gridTemplateColumns = `${names}px ${size.width}px`;
  const spoken = element("p", { class: "hidden", "aria-live": "polite" });
  steppable(grid, { body, marker, rows, columns, cell, describe, spoken, names, head });
  return element("figure", {}, grid, spoken);
}

/** Pixels for the names of rows. */
function nameRoom(rows, width) {
  return Math.ceil(Math.min(d3.max(rows, (row) => textWidth(row.label, 11)) ?? 0, width * 0.34, 190)) + 10;
}

/** The text, cut in its end where it is wider than `limit` pixels: names of classes differ in their beginning. */
function clipped(text, limit) {
  const characters = Array.from(text);
  let kept = characters.length;
  const shown = () => (kept < characters.length ? `${characters.slice(0, kept).join("").trimEnd()}…` : text);
  while (kept > 0 && textWidth(shown(), 11) > limit) kept -= 1;
  return shown();
}

function eachCell(rows, columns, visit) {
  for (let row = 0; row < rows.length; row += 1) {
    for (let column = 0; column < columns.length; column += 1) visit(row, column);
  }
}

function cellPaths({ rows, columns, value, colour, cell }) {
  const paths = new Map();
  eachCell(rows, columns, (row, column) => {
    const found = value(row, column);
    const fill = Number.isFinite(found) ? colour(found) : "var(--shade)";
    const path = paths.get(fill) ?? [];
    path.push(`M${column * cell.width} ${row * cell.height}h${cell.width - 1}v${cell.height - 1}h${1 - cell.width}z`);
    paths.set(fill, path);
  });
  return [...paths].map(([fill, path]) => shape("path", { d: path.join(""), style: `fill: ${fill}` }));
}

function cellTexts({ rows, columns, value, text, colour, cell }) {
  const nodes = [];
  eachCell(rows, columns, (row, column) => {
    const found = value(row, column);
    const fill = !Number.isFinite(found) ? "var(--muted)" : d3.lab(colour(found)).l > 58 ? "#111" : "#fff";
    nodes.push(shape("text", {
      x: (column + 0.5) * cell.width, y: (row + 0.5) * cell.height, dy: "0.35em", "text-anchor": "middle", style: `fill: ${fill}`,
    }, text(found)));
  });
  return nodes;
}

/** A frame a column, which the selection of its layer makes visible. */
function columnFrames(columns, size, cell) {
  return columns.flatMap((column, position) => (column.layer === undefined ? [] : [shape("rect", {
    x: position * cell.width - 0.5, y: 0.5, width: cell.width, height: size.height - 1, class: "column", "data-layer": column.layer,
  })]));
}

function heads(columns, { size, head, cell, turned }) {
  const svg = shape("svg", { width: size.width, height: head, class: "heads", "aria-hidden": "true" });
  columns.forEach((column, position) => {
    const x = (position + 0.5) * cell.width;
    const place = turned
      ? { transform: `translate(${x} ${head - 5}) rotate(-90)`, dy: "0.35em" }
      : { x, y: head - 5, "text-anchor": "middle" };
    const text = shape("text", place, clipped(column.label, turned ? head - 8 : cell.width + 6));
    if (column.layer !== undefined) {
      text.dataset.layer = column.layer;
      text.addEventListener("click", () => select(column.layer));
    }
    svg.append(text);
  });
  return svg;
}

function rowNames(rows, { size, names, cell }) {
  const svg = shape("svg", { width: names, height: size.height, class: "names", "aria-hidden": "true" });
  rows.forEach((row, position) => svg.append(shape("text", {
    x: names - 7, y: (position + 0.5) * cell.height, dy: "0.35em", "text-anchor": "end",
  }, clipped(row.label, names - 10))));
  return svg;
}

/** Hovering, stepping with the arrow keys, and selecting a column's layer. */
function steppable(grid, { body, marker, rows, columns, cell, describe, spoken, names, head }) {
  const current = { row: 0, column: 0 };
  const item = { node: marker, describe: () => describe(current.row, current.column) };
  const show = (row, column) => {
    [current.row, current.column] = [row, column];
    marker.setAttribute("x", column * cell.width - 0.5);
    marker.setAttribute("y", row * cell.height - 0.5);
    marker.setAttribute("visibility", "visible");
    showTooltip(item);
  };
  const hide = () => {
    marker.setAttribute("visibility", "hidden");
    hideTooltip();
  };
  const at = (event) => {
    const box = body.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.x) / cell.width);
    const row = Math.floor((event.clientY - box.y) / cell.height);
    return column >= 0 && row >= 0 && column < columns.length && row < rows.length ? { row, column } : null;
  };
  const choose = (column) => {
    if (columns[column].layer !== undefined) select(columns[column].layer);
  };
  body.addEventListener("pointermove", (event) => {
    const found = at(event);
    if (found) show(found.row, found.column);
    else hide();
  });
  body.addEventListener("pointerleave", hide);
  body.addEventListener("click", (event) => {
    const found = at(event);
    if (found) choose(found.column);
  });
  grid.addEventListener("blur", hide);
  grid.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [-rows.length, -columns.length], End: [rows.length, columns.length] };
    const move = moves[event.key];
    if (move) {
      const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
      const [row, column] = [clamp(current.row + move[0], rows.length), clamp(current.column + move[1], columns.length)];
      reveal(grid, { left: column * cell.width, top: row * cell.height, cell, names, head });
      show(row, column);
      const { title, lines } = item.describe();
      spoken.textContent = `${title}. ${lines.map(([key, words]) => `${key} ${words}`).join("; ")}`;
    } else if (event.key === "Enter" || event.key === " ") {
      choose(current.column);
    } else if (event.key === "Escape") {
      hide();
    } else {
      return;
    }
    event.preventDefault();
  });
}

/** Scrolls until a cell stands clear of heads and names. */
function reveal(grid, { left, top, cell, names, head }) {
  const right = left + names + cell.width - grid.clientWidth;
  const bottom = top + head + cell.height - grid.clientHeight;
  grid.scrollLeft = Math.max(Math.min(grid.scrollLeft, left), right);
  grid.scrollTop = Math.max(Math.min(grid.scrollTop, top), bottom);
}

/** A bar from the scale's low to its high end, with its ends named. */
function heatLegend(colour, [low, high], words) {
  const stops = d3.range(0, 1.01, 0.1).map((share) => colour(low + share * (high - low)));
  return element("p", { class: "legend" },
    element("span", {}, formatNumber(low)),
    element("span", { class: "gradient", style: `background: linear-gradient(to right, ${stops.join(", ")})` }),
    element("span", {}, `${formatNumber(high)} ${words}`),
    element("span", { class: "key shaded" }, "undefined"));
}
