// A run's data, and what the reader has chosen to see of it.

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
