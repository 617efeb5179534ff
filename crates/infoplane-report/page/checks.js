// Bottleneck checks: the steps that each prediction was tested on, with the widened intervals.

const checksState = { kind: "conductance" };

/** The sign of a change that goes against each prediction, and its words. */
const predictions = {
  input_falls: { wrong: 1, against: "rises", kept: "does not rise", quantity: (symbol) => `I(X;${symbol})` },
  label_kept: { wrong: -1, against: "falls", kept: "does not fall", quantity: (symbol) => `I(${symbol};Y)` },
};

section("checks-chart", (container, width) => {
  const tested = plane.checks.filter((check) => check.steps.length > 0 && predictions[check.name]);
  const offered = kinds.filter((kind) => tested.some((check) => check.kind === kind));
  if (offered.length === 0) return;
  if (!offered.includes(checksState.kind)) [checksState.kind] = offered;
  switched(container, {
    legend: "Vectors",
    name: "check-kind",
    options: offered.map((kind) => [kind, kindTitle[kind]]),
    chosen: checksState.kind,
    change: (kind) => { checksState.kind = kind; },
    draw: (part) => drawChecks(part, width, tested.filter((check) => check.kind === checksState.kind)),
  });
});

function drawChecks(container, width, checks) {
  const legend = legendOf([
    ["disc allowed", "on the predicted side or at 0"], ["hollow", "the interval reaches the other side"],
    ["disc against", "wholly on the other side"], ["shaded", "the side the prediction excludes"],
  ]);
  container.replaceChildren(legend, layerPanels(width, checks.map((check) => (size, named) => {
    const prediction = predictions[check.name];
    const quantity = prediction.quantity(kindSymbol[check.kind]);
    const points = check.steps
      .map((step) => ({ step, index: layerIndex.get(step.to) }))
      .filter(({ index }) => index !== undefined)
      .map(({ step, index }) => checkPoint(check, step, index));
    return titled(`${quantity} ${prediction.kept}: ${check.verdict}`, changeChart({
      width: size, named, points, label: `Δ${quantity}, bits →`, wrong: prediction.wrong,
      name: `${check.prediction}: ${check.verdict}; the steps`,
    }));
  })));
}

function checkPoint(check, step, index) {
  const { wrong, against } = predictions[check.name];
  const ends = step.change.ci.map((end) => wrong * end);
  const breaks = d3.min(ends) > 0 && Math.abs(step.change.value) >= data.least_change;
  const open = !breaks && d3.max(ends) > 0;
  return {
    index,
    figure: step.change,
    colour: breaks ? "var(--activation)" : open ? "var(--muted)" : "var(--conductance)",
    hollow: open,
    word: breaks ? against : "",
    describe: () => {
      const from = layers[layerIndex.get(step.from)];
      const words = breaks ? `${against}, against the prediction` : open ? "undecided: the interval reaches the other side" : "as predicted";
      return {
        title: layerTitle(index),
        lines: [
          ["step", words],
          ["from", from ? `${from.ordinal}  ${from.shown}` : step.from],
          ["change", formatChange(step.change)],
        ],
      };
    },
  };
}
