"use strict";
for (const table of document.querySelectorAll("table.findings")) {
  const body = table.tBodies[0], find = document.getElementById(table.dataset.find), shown = document.getElementById(table.dataset.shown);
  const rows = Array.from(body.rows);
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
      n += !row.hidden;
    }
    shown.textContent = n + " of " + rows.length;
  };
  find.addEventListener("input", filter);
  table.tHead.querySelectorAll("th").forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    table.tHead.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => row.cells[at].dataset.value ?? row.cells[at].textContent;
    const order = (a, b) => { const x = value(a), y = value(b), n = x - y; return Number.isNaN(n) ? x.localeCompare(y) : n; };
    rows.sort((a, b) => down ? order(b, a) : order(a, b));
    body.append(...rows);
  }));
  filter();
}
