// What every page calls, colours and marks layers and their vectors by. A page has `layers`, in network
// order where colours tell the depth.

const kinds = ["conductance", "activation"];
const kindTitle = { conductance: "Conductance", activation: "Activation" };
const kindSymbol = { conductance: "C", activation: "A" };

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

/** Marks what belongs to the selected layer, by its key or null for none. */
function markSelected(selected) {
  const chosen = String(selected);
  document.body.classList.toggle("has-selection", selected !== null);
  for (const node of document.querySelectorAll("[data-layer]")) {
    node.classList.toggle("selected", node.dataset.layer === chosen);
  }
}
