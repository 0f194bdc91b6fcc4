// The matrix: only the rows that can be seen are in the document. One cell takes part in the tab
// order; arrow keys move it. Column 0 names the host, row -1 the rule.
const ROW = 26; // pixels; the style sheet has it too
const OVERSCAN = 5;
const scroller = document.getElementById("nh-scroll");
const grid = document.getElementById("nh-grid");
const head = grid.tHead;
const rows = document.getElementById("nh-rows");
const [above, below] = [...grid.querySelectorAll(".nh-space td")];
const focus = { row: 0, column: 0 };
let drawn = { from: 0, to: 0 };
let top = 0; // scrolled by so many pixels

function drawGrid() {
  grid.setAttribute("aria-rowcount", shown.hosts.length + 1);
  grid.setAttribute("aria-colcount", shown.rules.length + 1);
  const corner = element("th", { scope: "col", role: "columnheader", "aria-colindex": 1, class: "nh-corner" }, "Host");
  const heads = shown.rules.map((rule, column) => {
    const { id, key, severity } = rules[rule];
    const link = element("a", { href: fragment("rule", key), tabindex: -1, title: `${id} (${severity})` }, id);
    return element(
      "th",
      { scope: "col", role: "columnheader", "aria-colindex": column + 2, class: `nh-sev-${severity}`, "data-row": -1, "data-column": column + 1 },
      element("div", {}, link),
    );
  });
  head.replaceChildren(element("tr", { role: "row", "aria-rowindex": 1 }, corner, ...heads));
  // A fixed layout spares the browser from measuring every cell.
  grid.style.width = `calc(${shown.rules.length} * ${ROW}px + var(--names))`;
  focus.row = Math.min(focus.row, Math.max(shown.hosts.length - 1, 0));
  focus.column = Math.min(focus.column, shown.rules.length);
  drawRows(true);
}

function drawRows(always) {
  // Not asked of the browser: it would lay the table out, to be changed the next moment.
  const height = Math.min(innerHeight * 0.75, 960);
  const from = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
  const to = Math.min(shown.hosts.length, Math.ceil((top + height) / ROW) + OVERSCAN);
  if (!always && from === drawn.from && to === drawn.to) return;
  const hadFocus = rows.contains(document.activeElement);
  drawn = { from, to };
  const made = document.createDocumentFragment();
  for (let row = from; row < to; row++) made.append(drawRow(row));
  rows.replaceChildren(made);
  above.style.height = `${from * ROW}px`;
  below.style.height = `${(shown.hosts.length - to) * ROW}px`;
  above.colSpan = below.colSpan = shown.rules.length + 1;
  placeFocus(hadFocus);
}

function drawRow(row) {
  const host = shown.hosts[row];
  const { name, key, reachable } = hosts[host];
  const link = element("a", { href: fragment("host", key), tabindex: -1, title: name }, name);
  const line = element(
    "tr", { role: "row", "aria-rowindex": row + 2 },
    element("th", { scope: "row", role: "rowheader", "aria-colindex": 1, "data-row": row, "data-column": 0, class: reachable ? "" : "nh-lost" }, link),
  );
  shown.rules.forEach((rule, column) => {
    const made = document.createElement("td");
    const rank = cellRank[host * rules.length + rule];
    made.setAttribute("role", "gridcell");
    made.setAttribute("aria-colindex", column + 2);
    made.tabIndex = -1;
    made.dataset.row = row;
    made.dataset.column = column + 1;
    if (rank === 255) {
      made.setAttribute("aria-label", `${name}, ${rules[rule].id}: not judged`);
    } else {
      const letter = LETTERS[rank];
      const results = resultsOf(host, rule);
      const matches = results.some((one) => shown.mask[one]);
      made.className = `nh-c nh-c-${letter === "-" ? "n" : letter}${matches ? "" : " nh-dim"}`;
      made.textContent = letter === "-" ? "–" : letter;
      if (results.length > 1) made.append(element("sub", {}, String(results.length)));
      made.setAttribute("aria-label", `${name}, ${rules[rule].id}: ${WORDS[letter]}${results.length > 1 ? ` (${results.length} items)` : ""}`);
    }
    line.append(made);
  });
  return line;
}

function cellAt(row, column) {
  return grid.querySelector(`[data-row="${row}"][data-column="${column}"]`);
}

function focusable(cell) {
  return cell?.tagName === "TH" ? cell.querySelector("a") : cell;
}

function placeFocus(take) {
  for (const one of grid.querySelectorAll('[tabindex="0"]')) one.tabIndex = -1;
  let target = focusable(cellAt(focus.row, focus.column));
  // Scrolled away from it: whoever tabs into the matrix starts at what is seen.
  if (!target && !take) {
    focus.row = Math.min(drawn.from + OVERSCAN, Math.max(drawn.to - 1, 0));
    target = focusable(cellAt(focus.row, focus.column));
  }
  if (!target) return;
  target.tabIndex = 0;
  if (take) target.focus({ preventScroll: true });
}

function showRow(row) {
  const headHeight = head.offsetHeight;
  const start = row * ROW;
  const room = scroller.clientHeight - headHeight;
  if (start < scroller.scrollTop) scroller.scrollTop = start;
  else if (start + ROW > scroller.scrollTop + room) scroller.scrollTop = start + ROW - room;
  top = scroller.scrollTop;
  drawRows(false);
}

function moveFocus(row, column, take = true) {
  focus.row = Math.max(-1, Math.min(row, shown.hosts.length - 1));
  focus.column = Math.max(focus.row < 0 ? 1 : 0, Math.min(column, shown.rules.length));
  if (focus.row >= 0) showRow(focus.row);
  placeFocus(take);
  if (take) focusable(cellAt(focus.row, focus.column))?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

grid.addEventListener("keydown", (event) => {
  const page = Math.max(1, Math.floor((scroller.clientHeight - head.offsetHeight) / ROW) - 1);
  const { row, column } = focus;
  const moves = {
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    PageUp: [Math.max(row - page, 0), column], PageDown: [row + page, column],
    Home: [event.ctrlKey ? 0 : row, 0], End: [event.ctrlKey ? Infinity : row, Infinity],
  };
  const cell = event.target.closest("[data-row]");
  if (moves[event.key]) {
    event.preventDefault();
    moveFocus(...moves[event.key]);
  } else if ((event.key === "Enter" || event.key === " ") && cell?.tagName === "TD") {
    event.preventDefault();
    openCellOf(cell);
  }
});

grid.addEventListener("click", (event) => {
  const cell = event.target.closest("td[data-row]");
  if (cell) openCellOf(cell);
});

grid.addEventListener("focusin", (event) => {
  const cell = event.target.closest("[data-row]");
  if (cell) Object.assign(focus, { row: Number(cell.dataset.row), column: Number(cell.dataset.column) });
});

grid.addEventListener("mouseover", (event) => {
  const cell = event.target.closest("td[data-row]");
  if (cell && !cell.title) cell.title = cell.getAttribute("aria-label");
});

function openCellOf(cell) {
  const host = shown.hosts[Number(cell.dataset.row)];
  const rule = shown.rules[Number(cell.dataset.column) - 1];
  Object.assign(focus, { row: Number(cell.dataset.row), column: Number(cell.dataset.column) });
  go(fragment("cell", hosts[host].key, rules[rule].key));
}

let frame = 0;
scroller.addEventListener("scroll", () => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    top = scroller.scrollTop;
    drawRows(false);
  });
}, { passive: true });
addEventListener("resize", () => drawRows(false));
