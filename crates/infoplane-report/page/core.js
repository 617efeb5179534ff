// A run's data, and what the reader has chosen to see of it.

const { plane, layers, manifest, network } = data;
const layerIndex = new Map(layers.map((layer, index) => [layer.name, index]));
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
