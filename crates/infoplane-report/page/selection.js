// One selected layer, marked everywhere on the page and described in a bar below it.

const selectionBar = element("aside", { id: "selection", "aria-label": "Selected layer", hidden: "" });
const selectionWords = element("div", { role: "status" });
const layerLists = [];

/** Selects a layer everywhere on the page; selecting it again lets it go. */
function select(index) {
  setSelection(state.selected === index ? null : index);
}

function setSelection(index) {
  state.selected = index;
  showSelection();
}

function showSelection() {
  const chosen = String(state.selected);
  markSelected(state.selected);
  for (const node of document.querySelectorAll("[data-joins]")) {
    node.classList.toggle("joining", node.dataset.joins.split(" ").includes(chosen));
  }
  for (const list of layerLists) list.value = state.selected === null ? "" : chosen;
  selectionBar.hidden = state.selected === null;
  selectionWords.replaceChildren(...(state.selected === null ? [] : describeLayer(state.selected)));
  document.dispatchEvent(new Event("layerselected"));
}

/** The layer's name and, in short, what is known about it. */
function describeLayer(index) {
  const layer = layers[index];
  const facts = [];
  for (const kind of shownKinds()) {
    const row = rowsOf(kind).find((candidate) => candidate.index === index);
    if (!row) continue;
    const symbol = kindSymbol[kind];
    if (row.ite.ratio) facts.push([`ITE of ${kind}`, formatRatio(row.ite.ratio)]);
    if (row.mi_x) facts.push([`I(X;${symbol})`, formatBits(row.mi_x)]);
    if (row.mi_y) facts.push([`I(${symbol};Y)`, formatBits(row.mi_y)]);
  }
  facts.push(...ablationFacts(layer.name));
  const list = element("dl", {}, ...facts.map(([name, value]) => element("div", {},
    element("dt", {}, name), element("dd", {}, value))));
  return [element("strong", {}, element("bdi", {}, `${layer.ordinal}  ${layer.shown}`)), list];
}

/** What the ablation says of a layer, where there is one. */
function ablationFacts(name) {
  const evidence = plane.ablation?.layers.find((layer) => layer.layer === name);
  if (!evidence) return [];
  const verdict = evidence.verdict ? [["critical by", evidence.verdict.replace("_", " ")]] : [];
  return [["ablation effect", `${formatRatio(evidence.effect)} ${plane.ablation.unit}`], ...verdict];
}

/** A list of the layers, so that one can be selected without pointing at it. */
function layerList() {
  const options = [["", "none"], ...layers.map((layer) => [String(layer.ordinal - 1), `${layer.ordinal} ${layer.short}`])];
  const list = dropDown("Layer", options, "", (key) => setSelection(key === "" ? null : Number(key)));
  layerLists.push(list.querySelector("select"));
  return list;
}

/**
 * A section of one switch, what stands `between`, and a part that `draw(part)` fills, now and after each
 * choice; what is selected stays marked.
 */
function switched(container, { legend, name, options, chosen, change, draw, between = [] }) {
  const part = element("div");
  const buttons = choice(legend, name, options, chosen, (key) => {
    change(key);
    draw(part);
    showSelection();
  });
  container.replaceChildren(buttons, ...between, part);
  draw(part);
}

function startSelection() {
  const step = (by) => () => setSelection((state.selected + by + layers.length) % layers.length);
  const button = (text, label, act) => {
    const node = element("button", { type: "button", class: "action", "aria-label": label }, text);
    node.addEventListener("click", act);
    return node;
  };
  selectionBar.append(selectionWords, element("div", { class: "tools" },
    button("←", "Layer before", step(-1)),
    button("→", "Layer after", step(1)),
    button("Let go", "Let go of the selected layer", () => setSelection(null))));
  document.body.append(selectionBar);
}
