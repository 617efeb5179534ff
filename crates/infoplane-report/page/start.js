// Draws every section, and again when its width changes.

function drawAll() {
  hideTooltip();
  drawSections();
  showSelection();
}

document.body.append(tooltip);
startTheme();
startReading();
startSelection();
startTable();
drawWithWidth(drawAll);
