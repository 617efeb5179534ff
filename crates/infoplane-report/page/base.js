// The page's data and how sections draw. Text from the data reaches the page only as text nodes
// and attribute values; nothing here builds markup from strings.

const data = JSON.parse(document.getElementById("infoplane-data").textContent);

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

/** Draws every section again. */
function drawSections() {
  for (const { id, draw } of sections) {
    const container = document.getElementById(id);
    if (!container) continue;
    try {
      draw(container, Math.max(280, Math.floor(container.clientWidth)));
    } catch (error) {
      // One chart that fails must not take the others along.
      console.error(error);
      container.replaceChildren(element("p", { class: "note" }, "This chart could not be drawn; the table below holds its values."));
    }
  }
}

/** Calls `draw` now and whenever the width changes. Labels are measured, so the fonts come first. */
function drawWithWidth(draw) {
  document.fonts.ready.then(() => {
    const main = document.querySelector("main");
    let width = main.clientWidth;
    draw();
    new ResizeObserver(() => {
      if (main.clientWidth === width) return;
      width = main.clientWidth;
      draw();
    }).observe(main);
  });
}
