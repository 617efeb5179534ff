// The page's data and how sections draw. Text from the data reaches the page only as text nodes
// and attribute values; nothing here builds markup from strings.

const data = JSON.parse(document.getElementById("infoplane-data").textContent);
const { plane, layers, manifest, network } = data;
const layerIndex = new Map(layers.map((layer, index) => [layer.name, index]));
const kinds = ["conductance", "activation"];
const kindTitle = { conductance: "Conductance", activation: "Activation" };
const kindSymbol = { conductance: "C", activation: "A" };
const labelled = plane.rows.some((row) => row.mi_y !== null);
const logN = Math.log2(Math.max(plane.n, 1));

/** The plane's own figures, which the sentences are about. */
const own = {
  estimator: plane.rows.length > 0 ? plane.rows[0].estimator : "",
  label: plane.label.kind,
  tau: plane.resolution.tau,
};

/** What the reader has chosen; sections read it when they draw. */
const state = { ...own, vectors: "both", uncertainty: "bars", selected: null };

/** Whether a row's figures may rank its layer. */
function isTrusted(row) {
  return [row.mi_x, row.mi_y].every((figure) => !figure || !(figure.saturated || figure.flagged));
}

/** A colour for each theme by position in the network: viridis without the end that fades. */
function depthColour(index) {
  const share = layers.length < 2 ? 0 : index / (layers.length - 1);
  const at = (low, high) => d3.color(d3.interpolateViridis(low + share * (high - low))).formatHex();
  return `light-dark(${at(0, 0.9)}, ${at(0.25, 1)})`;
}

/** An element with attributes and children; strings become text nodes. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Chart sections by the id of their container. */
const sections = [];

/** Registers `draw(container, width)`, called at the start and whenever the width changes. */
function section(id, draw) {
  sections.push({ id, draw });
}

/** Width of a line of interface text in pixels. */
const textWidth = (() => {
  const context = document.createElement("canvas").getContext("2d");
  return (text, size = 12) => {
    context.font = `${size}px Inter, sans-serif`;
    return context.measureText(text).width;
  };
})();

/** The text, cut in its beginning where it is wider than `limit` pixels. */
function fitted(text, limit, size = 12) {
  if (textWidth(text, size) <= limit) return text;
  const characters = Array.from(text);
  for (let start = 1; start < characters.length; start += 1) {
    const candidate = `…${characters.slice(start).join("")}`;
    if (textWidth(candidate, size) <= limit) return candidate;
  }
  return "…";
}

/** Radio buttons that set one value; `change` gets the chosen key. */
function choice(legend, name, options, chosen, change) {
  const group = element("fieldset", { class: "choice" }, element("legend", {}, legend));
  for (const [key, title] of options) {
    const input = element("input", { type: "radio", name, value: key });
    input.checked = key === chosen;
    input.addEventListener("change", () => change(key));
    group.append(element("label", {}, input, element("span", {}, title)));
  }
  return group;
}

/** A drop-down list that sets one value; `options` are pairs of a key and a title. */
function dropDown(legend, options, chosen, change) {
  const list = element("select");
  for (const [key, title] of options) {
    const option = element("option", { value: key }, title);
    option.selected = key === chosen;
    list.append(option);
  }
  list.addEventListener("change", () => change(list.value));
  return element("label", { class: "drop-down" }, element("span", {}, legend), list);
}

/** Options that every chart shares. */
function chartStyle(size = 12) {
  return { fontFamily: "inherit", fontSize: `${size}px`, background: "none", overflow: "visible" };
}

/** A chart in a figure with its accessible name and caption. */
function figure(chart, name, caption) {
  chart.setAttribute("role", "group");
  chart.setAttribute("aria-label", name);
  const parts = caption ? [element("figcaption", {}, caption)] : [];
  return element("figure", {}, chart, ...parts);
}
