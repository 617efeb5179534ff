// A few samples, and over each the map of a layer's conductance, stepped through the layers.

/** What the reader looks at; kept when the section is drawn again. */
const samplesShown = { sample: 0, layer: 0, opacity: 0.85, scale: "layer", picture: "grey" };

/** Ends of the diverging colours, told apart with any colour vision. */
const samplesColours = { below: [0, 114, 214], above: [230, 97, 1] };

/** Longest side of the large picture, in pixels. */
const SAMPLE_SIDE = 480;

section("samples-view", (container, width) => {
  const kept = data.samples;
  const mapped = kept.samples.map((sample) => layers.map((layer) => mapOf(sample, layer.name)));
  if (state.selected !== null) samplesShown.layer = state.selected;

  const [height, across] = kept.size;
  const scale = Math.min(SAMPLE_SIDE, width) / Math.max(height, across);
  const canvas = element("canvas", {
    role: "img", tabindex: "0",
    width: Math.max(1, Math.round(across * scale)), height: Math.max(1, Math.round(height * scale)),
  });
  const value = element("p", { class: "note sample-value" });
  const facts = element("dl", { class: "sample-facts" });
  const words = element("p", { class: "note" });
  const legend = element("div", { class: "sample-scale" });
  const layerName = element("p", { class: "sample-layer" });
  const stepper = element("input", {
    type: "range", min: "0", max: String(layers.length - 1), step: "1", "aria-label": "Layer",
  });
  const pictures = kept.samples.map((sample) => pictureOf(sample));
  pictures.forEach((picture, index) => picture.decode().then(() => {
    if (index === samplesShown.sample) paint();
  }, () => {}));

  const goTo = (layer) => {
    samplesShown.layer = Math.max(0, Math.min(layers.length - 1, layer));
    state.selected = samplesShown.layer;
    showSelection();
  };
  stepper.addEventListener("input", () => goTo(Number(stepper.value)));
  const step = (title, by) => {
    const button = element("button", { type: "button", class: "action" }, title);
    button.addEventListener("click", () => goTo(samplesShown.layer + by));
    return button;
  };
  const [back, on] = [step("Previous layer", -1), step("Next layer", 1)];
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!by) return;
    goTo(samplesShown.layer + by);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    sayValue((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  canvas.addEventListener("pointerleave", () => sayValue());

  function current() {
    return mapped[samplesShown.sample][samplesShown.layer];
  }

  function sayValue(x, y) {
    const map = current();
    if (!map || x === undefined) {
      value.textContent = map ? "Point at the image for the value at a position." : "";
      return;
    }
    const row = Math.max(0, Math.min(map.height - 1, Math.floor(y * map.height)));
    const column = Math.max(0, Math.min(map.width - 1, Math.floor(x * map.width)));
    value.textContent = `Row ${row + 1} of ${map.height}, column ${column + 1} of ${map.width}: ${
      formatSigned(densityAt(map, row, column) / (map.height * map.width))} logits, density ${
      formatSigned(densityAt(map, row, column))}.`;
  }

  function paint() {
    const map = current();
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = scale < 3;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(pictures[samplesShown.sample], 0, 0, canvas.width, canvas.height);
    if (samplesShown.picture === "grey") {
      context.globalCompositeOperation = "saturation";
      context.fillStyle = "#808080";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.globalCompositeOperation = "source-over";
    }
    if (map) context.drawImage(overlay(map, samplesLimit(map), canvas), 0, 0);
  }

  function show() {
    const { sample: index, layer: at } = samplesShown;
    const sample = kept.samples[index];
    const map = current();
    const layer = layers[at];
    stepper.value = String(at);
    stepper.setAttribute("aria-valuetext", `${layer.ordinal} of ${layers.length}: ${layer.shown}`);
    back.disabled = at === 0;
    on.disabled = at === layers.length - 1;
    layerName.replaceChildren(
      `Layer ${layer.ordinal} of ${layers.length} `, element("bdi", { class: "layer" }, layer.shown),
    );
    showFacts(facts, sample, layer, map);
    words.textContent = mapInWords(map);
    canvas.setAttribute("aria-label", `${sampleTitle(sample)}. Layer ${layer.shown}. ${words.textContent} Arrow keys step through the layers.`);
    legend.replaceChildren(...(map ? [scaleLegend(samplesLimit(map))] : []));
    sayValue();
    if (pictures[index].complete) paint();
  }

  const controls = element("div", { class: "sample-controls" },
    layerName,
    element("div", { class: "sample-stepper" }, back, stepper, on),
    element("div", { class: "sample-choices" }, opacityControl(show),
    choice("Colour scale", "samples-scale", [["layer", "all samples"], ["own", "this map"]], samplesShown.scale, (key) => {
      samplesShown.scale = key;
      show();
    }),
    choice("Image", "samples-picture", [["grey", "grey"], ["colour", "colour"]], samplesShown.picture, (key) => {
      samplesShown.picture = key;
      show();
    })),
    legend, facts, words, value);
  const strip = sampleStrip(kept.samples, (index) => {
    samplesShown.sample = index;
    show();
  });
  container.replaceChildren(strip, element("div", { class: "sample-stage" }, canvas, controls));
  show();
  samplesShow = show;
});

/** Draws the section's view again, once there is one. */
let samplesShow = null;

document.addEventListener("layerselected", () => {
  if (!samplesShow || state.selected === null) return;
  samplesShown.layer = state.selected;
  samplesShow();
});

/** A sample's map of a layer, with its values read; undefined where the layer has no positions. */
function mapOf(sample, name) {
  const map = sample.maps.find(({ layer }) => layer === name);
  if (!map) return undefined;
  const bytes = Uint8Array.from(atob(map.values), (character) => character.charCodeAt(0));
  return { ...map, levels: new Int8Array(bytes.buffer), cut: layers[layerIndex.get(name)].cut };
}

function densityAt(map, row, column) {
  return (map.levels[row * map.width + column] * map.peak) / 127;
}

function samplesLimit(map) {
  return samplesShown.scale === "layer" ? map.limit : map.peak || 1;
}

function pictureOf(sample) {
  const picture = new Image();
  picture.src = `data:image/png;base64,${sample.picture}`;
  return picture;
}

/** The name of an output unit. */
function unitName(unit) {
  return manifest.data.class_names[unit] || `class ${unit}`;
}

function sampleTitle(sample) {
  const label = sample.label === null ? "" : `, label ${unitName(sample.label)}`;
  return `${sample.group}: predicted ${unitName(sample.predicted)}${label}`;
}

/** The samples as radio buttons with their pictures. */
function sampleStrip(samples, change) {
  const strip = element("fieldset", { class: "sample-strip" }, element("legend", {}, "Sample"));
  samples.forEach((sample, index) => {
    const input = element("input", { type: "radio", name: "samples-sample", value: String(index), "aria-label": sampleTitle(sample) });
    input.checked = index === samplesShown.sample;
    input.addEventListener("change", () => change(index));
    const picture = pictureOf(sample);
    picture.alt = "";
    const wrong = sample.label !== null && sample.label !== sample.predicted;
    strip.append(element("label", { title: sampleTitle(sample) }, input, element("span", {},
      picture,
      element("b", {}, sample.group),
      element("bdi", {}, unitName(sample.predicted)),
      element("small", {}, wrong ? "wrong" : sample.label === null ? "no label" : "right"))));
  });
  return strip;
}

function opacityControl(change) {
  const slider = element("input", { type: "range", min: "0", max: "100", step: "5", value: String(100 * samplesShown.opacity) });
  const shown = element("output", {}, `${slider.value} %`);
  slider.addEventListener("input", () => {
    samplesShown.opacity = Number(slider.value) / 100;
    shown.textContent = `${slider.value} %`;
    change();
  });
  return element("label", { class: "sample-opacity" }, "Overlay", slider, shown);
}

function showFacts(list, sample, layer, map) {
  const rise = sample.f_input - sample.f_baseline;
  const entries = [
    ["Sample", sample.id],
    ["Label", sample.label === null ? "none" : unitName(sample.label)],
    ["Predicted", `${unitName(sample.predicted)}, probability ${formatProbability(sample.probability)}`],
    ["Attributed output", `${unitName(sample.target)}: F(x) − F(x′) = ${formatSigned(rise)} logits`],
  ];
  if (!map) entries.push(["Map", "none: the layer is a vector without positions"]);
  else {
    entries.push(["Sum of the map", `${formatSigned(map.sum)} logits, ${map.height} × ${map.width} positions`]);
    const delta = map.sum - rise;
    entries.push(["Completeness", layer.cut
      ? `Σ C − (F(x) − F(x′)) = ${formatSigned(delta)} logits, ${formatPercent(Math.abs(delta) / Math.max(Math.abs(rise), 1e-30))}`
      : "on a branch: the sum is the branch’s share"]);
  }
  list.replaceChildren(...entries.map(([name, text]) => element("div", {},
    element("dt", {}, name), element("dd", {}, element("bdi", {}, text)))));
}

function formatSigned(number) {
  return number > 0 ? `+${formatNumber(number)}` : formatNumber(number);
}

/** Probabilities near 1 keep what tells them from 1. */
function formatProbability(probability) {
  return probability > 0.9995 ? "above 0.999" : probability.toFixed(3);
}

/** What a map shows, for those who do not see it. */
function mapInWords(map) {
  if (!map) return "No map: the layer has no positions.";
  let above = 0;
  let below = 0;
  let strongest = 0;
  map.levels.forEach((level, place) => {
    if (level > 0) above += level;
    else below += level;
    if (Math.abs(level) > Math.abs(map.levels[strongest])) strongest = place;
  });
  const total = (levels) => (levels * map.peak) / 127 / (map.height * map.width);
  const row = Math.floor(strongest / map.width);
  const column = strongest % map.width;
  const third = (place, n, names) => names[Math.min(2, Math.floor((3 * (place + 0.5)) / n))];
  const where = [
    third(row, map.height, ["upper", "middle", "lower"]),
    third(column, map.width, ["left", "centre", "right"]),
  ].join(" ");
  return `Raised by ${formatNumber(total(above))} and lowered by ${formatNumber(-total(below))} logits; strongest in the ${
    where} (row ${row + 1} of ${map.height}, column ${column + 1} of ${map.width}), density ${
    formatSigned(densityAt(map, row, column))}.`;
}

/** Density at a place between positions: linear between their centres, constant beyond the outermost. */
function interpolator(map) {
  const neighbours = (share, n) => {
    const at = Math.max(0, Math.min(n - 1, share * n - 0.5));
    const low = Math.floor(at);
    return [low, Math.min(n - 1, low + 1), at - low];
  };
  return {
    rows: (y) => neighbours(y, map.height),
    columns: (x) => neighbours(x, map.width),
    at: ([top, bottom, down], [left, right, over]) => {
      const level = (row, column) => map.levels[row * map.width + column];
      const high = level(top, left) * (1 - over) + level(top, right) * over;
      const low = level(bottom, left) * (1 - over) + level(bottom, right) * over;
      return ((high * (1 - down) + low * down) * map.peak) / 127;
    },
  };
}

/** The map in colours as large as the canvas; transparent where the density is 0. */
function overlay(map, limit, { width, height }) {
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const between = interpolator(map);
  const columns = Array.from({ length: width }, (_, x) => between.columns((x + 0.5) / width));
  for (let y = 0; y < height; y += 1) {
    const rows = between.rows((y + 0.5) / height);
    for (let x = 0; x < width; x += 1) {
      const density = between.at(rows, columns[x]);
      const colour = density < 0 ? samplesColours.below : samplesColours.above;
      const share = Math.min(1, Math.abs(density) / limit);
      image.data.set([...colour, Math.round(255 * samplesShown.opacity * share)], 4 * (y * width + x));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function scaleLegend(limit) {
  const colour = (rgb, alpha) => `rgb(${rgb.join(" ")} / ${alpha})`;
  const { below, above } = samplesColours;
  const bar = element("span", { class: "sample-gradient", "aria-hidden": "true" });
  bar.style.backgroundImage = `linear-gradient(to right, ${colour(below, samplesShown.opacity)}, ${
    colour(below, 0)} 50%, ${colour(above, 0)} 50%, ${colour(above, samplesShown.opacity)})`;
  const end = formatNumber(limit);
  const whose = samplesShown.scale === "layer" ? "one scale for all samples at this layer" : "the scale of this map alone";
  return element("figure", {},
    bar,
    element("span", { class: "sample-ticks" },
      element("span", {}, `−${end}`), element("span", {}, "0"), element("span", {}, `+${end}`)),
    element("figcaption", {}, `Density in logits an image area, ${whose}: blue lowers the output, orange raises it`));
}
