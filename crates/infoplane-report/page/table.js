// Sorting and filtering the table of every figure, and copying what it shows as CSV.

function startTable() {
  const table = document.getElementById("figures-table");
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  for (const row of body.rows) {
    row.dataset.layer = Number(row.dataset.ordinal) - 1;
    row.addEventListener("click", () => select(Number(row.dataset.layer)));
  }
  headers.forEach((header, column) => {
    const button = element("button", { type: "button", title: header.title }, ...header.childNodes);
    header.removeAttribute("title");
    header.replaceChildren(button);
    button.addEventListener("click", () => sortBy(column));
  });
  const original = [...body.rows];
  const rowOf = new Map(original.map((row, position) => [row, plane.rows[position]]));

  function sortBy(column) {
    const header = headers[column];
    const turn = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    headers.forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", turn);
    const numeric = !header.classList.contains("text");
    const sign = turn === "ascending" ? 1 : -1;
    const keyed = original.map((row) => {
      const cell = row.cells[column];
      return { row, key: numeric ? Number(cell.dataset.value ?? NaN) : cell.textContent };
    });
    keyed.sort((a, b) => (numeric ? compareNumbers(a.key, b.key, sign) : sign * a.key.localeCompare(b.key)));
    body.append(...keyed.map(({ row }) => row));
  }

  const status = element("span", { role: "status" });
  const filter = element("input", { type: "search", placeholder: "block2 conductance" });
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const row of original) {
      const text = [...row.cells].filter((cell) => cell.classList.contains("text"))
        .map((cell) => cell.textContent.toLowerCase()).join("\n");
      row.hidden = !words.every((word) => text.includes(word));
    }
    const shown = original.filter((row) => !row.hidden).length;
    status.textContent = shown < original.length ? `${shown} of ${original.length} rows` : "";
  });
  const copy = element("button", { type: "button", class: "action" }, "Copy as CSV");
  copy.addEventListener("click", async () => {
    const shown = [...body.rows].filter((row) => !row.hidden).map((row) => rowOf.get(row));
    status.textContent = (await copyText(csv(shown))) ? `Copied ${shown.length} rows.` : "The browser refused to copy.";
  });
  document.getElementById("table-tools").append(
    element("label", { class: "filter" }, "Filter by words", filter), copy, status);
}

/** Undefined figures come last whichever way the table is sorted. */
function compareNumbers(a, b, sign) {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (Number.isNaN(b)) return -1;
  return sign * (a - b);
}

/** Rows as CSV (RFC 4180) with full precision, columns named as in `plane.csv`. */
function csv(rows) {
  const records = rows.map((row) => flatten(row));
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns, ...records.map((record) => columns.map((column) => record[column]))];
  return `${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

function flatten(value, path = "", into = {}) {
  if (Array.isArray(value)) {
    into[`${path}_low`] = value[0];
    into[`${path}_high`] = value[1];
  } else if (value !== null && typeof value === "object") {
    for (const [key, child] of Object.entries(value)) flatten(child, path ? `${path}_${key}` : key, into);
  } else if (value !== null) {
    into[path] = value;
  }
  return into;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
