// Which figures the charts show: estimator, label, noise and vectors.

/** The sweep's estimates by noise, kind and layer. */
const swept = new Map(plane.resolution.sweep.flatMap((step) => step.points.map((point) => [
  sweptKey(step.tau, point.kind, point.layer),
  { ...point, refused: step.widest_bracket > plane.resolution.bracket_limit },
])));

function sweptKey(tau, kind, layer) {
  return `${tau} ${kind} ${layer}`;
}

/** Rows of one kind as the reader chose to see them, in network order, each with its layer's index. */
function rowsOf(kind, reading = state) {
  const rows = plane.rows
    .filter((row) => row.kind === kind && row.estimator === reading.estimator && row.label === reading.label)
    .map((row) => ({ ...row, index: layerIndex.get(row.layer) }));
  return isSwept(reading) ? rows.map((row) => atNoise(row, reading.tau)) : rows;
}

/** Whether the noise can be chosen: the sweep is of the plane's own estimator and label. */
function hasNoise(reading = state) {
  return reading.estimator === own.estimator && reading.label === own.label;
}

/** Whether the figures are the sweep's at another noise than the plane's, which have no intervals. */
function isSwept(reading = state) {
  return hasNoise(reading) && reading.tau !== own.tau;
}

/** A row with the sweep's estimates, which have no intervals. */
function atNoise(row, tau) {
  const point = swept.get(sweptKey(tau, row.kind, row.layer));
  const known = (value) => value !== null && value !== undefined;
  const figure = (value, of) => (known(value) ? {
    value, unit: of.unit, ci: [null, null], bracket: [null, null], ceiling: of.ceiling,
    null: null, saturated: false, flagged: point.refused,
  } : null);
  const ratio = known(point?.ite) ? { value: point.ite, ci: [null, null] } : null;
  return {
    ...row,
    mi_x: row.mi_x && figure(point?.mi_x, row.mi_x),
    mi_y: row.mi_y && figure(point?.mi_y, row.mi_y),
    ite: { ratio, normalized: null, incremental: null },
  };
}

/** The kinds of vectors that the reader wants to see. */
function shownKinds() {
  return state.vectors === "both" ? kinds : [state.vectors];
}

/** The chosen figures in words. */
function readingWords() {
  const parts = [`estimator ${state.estimator}`];
  if (labelled) parts.push(`label ${state.label}`);
  if (hasNoise()) parts.push(`τ = ${formatNumber(state.tau)}${isSwept() ? ", without intervals" : ""}`);
  return parts.join(", ");
}

/** What to read beside a chart that does not show the plane's own figures. */
function readingNote() {
  const isOwn = hasNoise() && !isSwept();
  return isOwn ? [] : [element("p", { class: "note" }, `Shown: ${readingWords()}.`)];
}

function labelsOf(estimator) {
  return [...new Set(plane.rows.filter((row) => row.estimator === estimator).map((row) => row.label))];
}

/** The lists and buttons that choose the figures. They stay while charts are drawn again. */
function startReading() {
  const container = document.getElementById("reading");
  if (!container || plane.rows.length === 0) return;
  const same = (values) => values.map((value) => [value, value]);
  const redraw = () => {
    if (!labelsOf(state.estimator).includes(state.label)) [state.label] = labelsOf(state.estimator);
    offer();
    drawAll();
  };
  const choose = (key, convert = String) => (value) => {
    state[key] = convert(value);
    redraw();
  };
  const tauTitle = ({ tau, widest_bracket: bracket }) => {
    const verdict = bracket > plane.resolution.bracket_limit ? " (refused)" : "";
    return `${formatNumber(tau)}${tau === own.tau ? " (chosen)" : verdict}`;
  };
  const estimators = dropDown("Estimator", same([...new Set(plane.rows.map((row) => row.estimator))]),
    state.estimator, choose("estimator"));
  const labels = dropDown("Label", [], state.label, choose("label"));
  const taus = dropDown("Noise τ", plane.resolution.sweep.map((step) => [String(step.tau), tauTitle(step)]),
    String(state.tau), choose("tau", Number));
  const offer = () => {
    const names = labelsOf(state.estimator);
    const list = labels.querySelector("select");
    list.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    list.value = state.label;
    taus.querySelector("select").disabled = !hasNoise();
    taus.title = hasNoise() ? "" : `The sweep over τ is of ${own.estimator} and the label ${own.label}.`;
  };
  offer();
  const vectors = choice("Vectors", "vectors",
    [["both", "Both"], ...kinds.map((kind) => [kind, kindTitle[kind]])], state.vectors, choose("vectors"));
  const uncertainty = choice("Intervals", "uncertainty", [["bars", "Bars"], ["ellipses", "Ellipses"]],
    state.uncertainty, choose("uncertainty"));
  container.replaceChildren(estimators, ...(labelled ? [labels] : []), taus, vectors,
    ...(labelled ? [uncertainty] : []), layerList());
}
