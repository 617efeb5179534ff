// Points that can be hovered, focused, stepped through with the arrow keys, and selected.

const tooltip = element("div", { id: "tooltip", role: "tooltip", hidden: "" });

/** How far from a point, in pixels, the pointer still means it. */
const REACH = 28;

/**
 * Makes a chart's points answer. `items[i]` is `{ node, index, describe }`: the SVG node, the
 * layer's index, and a function that gives `{ title, lines }`.
 */
function answering(chart, items) {
  let current = 0;
  items.forEach((item, position) => {
    const { title, lines } = item.describe();
    item.node.dataset.layer = item.index;
    item.node.classList.add("point");
    item.node.setAttribute("role", "img");
    item.node.setAttribute("tabindex", position === 0 ? "0" : "-1");
    const words = lines.map(([name, value]) => (name ? `${name} ${value}` : value));
    item.node.setAttribute("aria-label", `${title}. ${words.join("; ")}`);
    item.node.addEventListener("focus", () => {
      current = position;
      showTooltip(item);
    });
    item.node.addEventListener("blur", hideTooltip);
  });
  const focus = (position) => {
    items[current].node.setAttribute("tabindex", "-1");
    current = (position + items.length) % items.length;
    items[current].node.setAttribute("tabindex", "0");
    items[current].node.focus({ preventScroll: false });
  };
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) focus(current + step);
    else if (event.key === "Home") focus(0);
    else if (event.key === "End") focus(items.length - 1);
    else if (event.key === "Enter" || event.key === " ") select(items[current].index);
    else if (event.key === "Escape") hideTooltip();
    else return;
    event.preventDefault();
  });
  chart.addEventListener("pointermove", (event) => {
    const item = nearest(items, event);
    chart.style.cursor = item ? "pointer" : "";
    if (item) showTooltip(item);
    else hideTooltip();
  });
  chart.addEventListener("pointerleave", hideTooltip);
  chart.addEventListener("click", (event) => {
    const item = nearest(items, event);
    if (item) select(item.index);
  });
}

function nearest(items, event) {
  let best = null;
  let distance = REACH;
  for (const item of items) {
    const box = item.node.getBoundingClientRect();
    const dx = box.x + box.width / 2 - event.clientX;
    const dy = box.y + box.height / 2 - event.clientY;
    const away = Math.hypot(dx, dy);
    if (away < distance) [best, distance] = [item, away];
  }
  return best;
}

function showTooltip(item) {
  const { title, lines } = item.describe();
  const list = element("dl");
  const notes = [];
  for (const [name, value] of lines) {
    if (name) list.append(element("dt", {}, name), element("dd", {}, value));
    else notes.push(element("p", {}, value));
  }
  tooltip.replaceChildren(element("strong", {}, element("bdi", {}, title)), ...notes, list);
  tooltip.hidden = false;
  const box = item.node.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = tooltip;
  const beside = box.right + 12 + width <= innerWidth ? box.right + 12 : box.left - 12 - width;
  const left = Math.max(8, Math.min(beside, innerWidth - width - 8));
  const covers = left < box.right && left + width > box.left;
  const above = box.top - height - 12;
  const top = covers ? (above >= 8 ? above : box.bottom + 12) : box.top + box.height / 2 - height / 2;
  tooltip.style.left = `${left + scrollX}px`;
  tooltip.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8)) + scrollY}px`;
  document.querySelectorAll(".hovered").forEach((node) => node.classList.remove("hovered"));
  item.node.classList.add("hovered");
}

function hideTooltip() {
  tooltip.hidden = true;
  document.querySelectorAll(".hovered").forEach((node) => node.classList.remove("hovered"));
}

/** Selects a layer everywhere on the page; selecting it again lets it go. */
function select(index) {
  state.selected = state.selected === index ? null : index;
  showSelection();
}

function showSelection() {
  const chosen = String(state.selected);
  document.body.classList.toggle("has-selection", state.selected !== null);
  for (const node of document.querySelectorAll("[data-layer]")) {
    node.classList.toggle("selected", node.dataset.layer === chosen);
  }
  document.dispatchEvent(new Event("layerselected"));
}

/** The nodes that the mark of this class drew, in the order of its data. */
function markNodes(chart, name) {
  const nodes = [...chart.querySelectorAll(`g.${name} > *`)];
  return nodes.sort((a, b) => a.__data__ - b.__data__);
}

/** Hides labels that would cover an earlier one or a point; earlier entries win. */
function thinLabels(nodes, order, obstacles) {
  const taken = obstacles.map((node) => node.getBoundingClientRect());
  for (const position of order) {
    const node = nodes[position];
    if (!node) continue;
    const box = node.getBoundingClientRect();
    const covered = taken.some((other) => other.left < box.right - 1 && box.left < other.right - 1
      && other.top < box.bottom - 3 && box.top < other.bottom - 3);
    node.style.display = covered ? "none" : "";
    if (!covered) taken.push(box);
  }
}
