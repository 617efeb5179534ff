// How well the rankings of the layers by noise and estimator agree: Kendall's τ_b of each two.

const stabilityState = { by: 0 };
const rankedBy = { ite: "ITE", mi_y: "I(C;Y)" };

section("stability-chart", (container, width) => {
  const body = element("div");
  const draw = () => drawStability(body, width, plane.stability[stabilityState.by]);
  const buttons = choice("Layers ranked by", "stability",
    plane.stability.map((found, position) => [String(position), rankedBy[found.by]]), String(stabilityState.by),
    (position) => {
      stabilityState.by = Number(position);
      draw();
    });
  container.replaceChildren(buttons, body);
  draw();
});

/** Purple for equal orders, orange for orders turned round; told apart with any colour vision. */
function agreementColour(tau) {
  return d3.interpolatePuOr(0.5 - tau * 0.42);
}

function drawStability(container, width, found) {
  const own = `τ = ${plane.resolution.tau}`;
  const rankings = found.rankings.map((label) => ({ label: label === own ? `${label} (the plane)` : label }));
  const side = Math.max(34, Math.min(56, Math.floor((width * 0.66) / Math.max(rankings.length, 1))));
  const map = heatMap({
    rows: rankings,
    columns: rankings,
    value: (row, column) => found.kendall[row][column],
    colour: agreementColour,
    text: (tau) => (Number.isFinite(tau) ? tau.toFixed(2).replace("-", "−") : "–"),
    describe: (row, column) => ({
      title: `${found.rankings[row]} and ${found.rankings[column]}`,
      lines: [["Kendall’s τ", formatNumber(found.kendall[row][column])]],
    }),
    name: `Agreement of the layers’ rankings by ${rankedBy[found.by]}`,
    cell: { width: side, height: 30 },
    width,
  });
  const halves = found.halves
    ? `Half of the samples against all, at ${own}: Kendall’s τ ${formatNumber(found.halves.mean)} on average, `
      + `${formatNumber(found.halves.p05)} or more in 95 % of ${found.halves.n} random halves. `
      + "Agreement below that is more than the samples’ scatter."
    : "";
  container.replaceChildren(heatLegend(agreementColour, [-1, 1], "equal order"), map, element("p", { class: "note" }, halves));
}
