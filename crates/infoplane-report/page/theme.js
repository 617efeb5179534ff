// Light, dark, or as the system has it.

function startTheme() {
  const root = document.documentElement;
  const choose = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      localStorage.setItem("infoplane-theme", theme);
    } catch { /* The choice then lasts as long as the page. */ }
  };
  const options = [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]];
  const group = choice("Theme", "theme", options, root.dataset.theme ?? "auto", choose);
  document.getElementById("theme").append(group);
}
