// Before the first paint: the reader's choice of theme, where the browser keeps one.
try {
  const theme = localStorage.getItem("infoplane-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* Storage may be forbidden for local files; the system's theme then holds. */ }
document.documentElement.classList.add("scripted");
