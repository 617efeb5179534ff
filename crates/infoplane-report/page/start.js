// Draws every section, and again when its width changes.

function drawAll() {
  hideTooltip();
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
  showSelection();
}

document.body.append(tooltip);
startTheme();
startReading();
startSelection();
startTable();
// Labels are measured, so the fonts come first.
document.fonts.ready.then(() => {
  let width = document.querySelector("main").clientWidth;
  drawAll();
  new ResizeObserver(() => {
    const now = document.querySelector("main").clientWidth;
    if (now === width) return;
    width = now;
    drawAll();
  }).observe(document.querySelector("main"));
});
