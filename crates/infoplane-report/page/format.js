// Numbers for people; the same rules as the page's text.

function decimalsFor(magnitude) {
  if (magnitude >= 99.95) return 0;
  if (magnitude >= 9.995) return 1;
  if (magnitude === 0 || magnitude >= 0.0995) return 2;
  return 3;
}

function minus(text) {
  return (/^-[0.]+$/.test(text) ? text.slice(1) : text).replaceAll("-", "−");
}

function formatNumber(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "undefined";
  const magnitude = Math.abs(value);
  if (magnitude > 0 && magnitude < 0.001) return minus(value.toExponential(1));
  return minus(value.toFixed(decimalsFor(magnitude)));
}

function formatInterval([low, high]) {
  if (low === null || high === null) return "(no interval)";
  const decimals = decimalsFor(Math.max(Math.abs(low), Math.abs(high)));
  return `[${minus(low.toFixed(decimals))}, ${minus(high.toFixed(decimals))}]`;
}

function formatPercent(share) {
  if (share === null || !Number.isFinite(share)) return "undefined";
  const value = share * 100;
  if (Math.abs(value) >= 9.95) return `${minus(value.toFixed(0))} %`;
  if (value === 0 || Math.abs(value) >= 0.095) return `${minus(value.toFixed(1))} %`;
  return `${minus(value.toExponential(1))} %`;
}

/** `4.58 bits [4.51, 4.65]`. */
function formatBits(figure) {
  return `${formatNumber(figure.value)} ${figure.unit} ${formatInterval(figure.ci)}`;
}

/** `4.58 bits [4.51, 4.65], bracket [4.50, 4.66], ceiling 11.6` with what is wrong with it. */
function formatFigure(figure) {
  if (!figure) return "undefined";
  const parts = [formatBits(figure)];
  if (figure.bracket[0] !== null) parts.push(`bracket ${formatInterval(figure.bracket)}`);
  parts.push(`ceiling ${formatNumber(figure.ceiling)}`);
  if (figure.null) {
    parts.push(`null ${formatNumber(figure.null.mean)}, p = ${formatNumber(figure.null.p_value)}`);
  }
  if (figure.saturated) parts.push("saturated");
  if (figure.flagged) parts.push("bracket too wide");
  return parts.join(", ");
}

function formatRatio(ratio) {
  return ratio ? `${formatNumber(ratio.value)} ${formatInterval(ratio.ci)}` : "undefined";
}

/** Everything known about one row, as pairs of a name and a value. */
function describeRow(row) {
  const layer = layers[row.index];
  const symbol = kindSymbol[row.kind];
  const place = row.cut ? "cut layer" : "on a branch: its sum is the branch’s share";
  const lines = [
    ["", `${kindTitle[row.kind]} by ${row.estimator}, ${place}`],
    [`I(X;${symbol})`, formatFigure(row.mi_x)],
  ];
  if (labelled) {
    lines.push(
      [`I(${symbol};Y)`, formatFigure(row.mi_y)],
      ["ITE", formatRatio(row.ite.ratio)],
      ["normalized", formatRatio(row.ite.normalized)],
      ["incremental", formatRatio(row.ite.incremental)],
    );
  }
  const size = `${row.width} wide, ${row.dimensions} kept, N = ${row.n}`;
  lines.push(["vector", layer.operator ? `${layer.operator}, ${size}` : size]);
  return { title: `${layer.ordinal}  ${layer.shown}`, lines };
}
