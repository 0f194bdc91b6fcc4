// The matrix: only the rows that can be seen are in the document. One cell takes part in the tab
// order; arrow keys move it. Column 0 names the host, row -1 the rule.
const ROW = 26; // pixels; the style sheet has it too
const PRINTED = 60; // a matrix of more rows is not printed; a line says where it is
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
  drawHead();
  focus.row = Math.min(focus.row, Math.max(shown.hosts.length - 1, 0));
  focus.column = Math.min(focus.column, shown.rules.length);
  drawRows(true);
}

let headed = "";

function drawHead() {
  const wantedRules = shown.rules.join();
  if (wantedRules === headed && head.rows.length) return;
  headed = wantedRules;
  const places = hosts.some((host) => host.members) ? "Host or group" : "Host";
  const corner = element("th", { scope: "col", role: "columnheader", "aria-colindex": 1, class: "nh-corner" }, places);
  const heads = shown.rules.map((rule, column) => {
    const { id, key, severity } = rules[rule];
    const link = element("a", { href: fragment("rule", key), tabindex: -1, title: `${id} (${severity})` }, id);
    return element(
      "th", { scope: "col", role: "columnheader", "aria-colindex": column + 2, class: `nh-sev-${severity}` },
      element("div", {}, link),
    );
  });
  head.replaceChildren(element("tr", { role: "row", "aria-rowindex": 1 }, corner, ...heads));
  // A fixed layout spares the browser from measuring every cell.
  grid.style.width = `calc(${shown.rules.length} * var(--cell) + var(--names))`;
}

// All rows if they fit on paper, otherwise a line in their place.
function drawForPaper() {
  const fits = shown.hosts.length <= PRINTED;
  document.getElementById("matrix").classList.toggle("nh-too-large", !fits);
  const line = document.getElementById("nh-unprinted");
  line.hidden = fits;
  line.textContent = `The matrix of ${shown.hosts.length.toLocaleString("en")} hosts is not printed. It is in the report's file; filtered to ${PRINTED} hosts or fewer it is printed as well.`;
  if (fits) drawRange(0, shown.hosts.length);
}

function drawRows(always) {
  // The browser is not asked: it would lay out the table, which changes in the next moment.
  const height = Math.min(innerHeight * 0.75, 960);
  const from = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
  const to = Math.min(shown.hosts.length, Math.ceil((top + height) / ROW) + OVERSCAN);
  if (!always && from === drawn.from && to === drawn.to) return;
  drawRange(from, to);
}

function drawRange(from, to) {
  const hadFocus = rows.contains(document.activeElement);
  drawn = { from, to };
  while (rows.rows.length > to - from) rows.lastElementChild.remove();
  for (let row = from; row < to; row++) {
    const there = rows.rows[row - from];
    if (there) drawRow(there, row);
    else rows.append(drawRow(newRow(), row));
  }
  above.style.height = `${from * ROW}px`;
  below.style.height = `${(shown.hosts.length - to) * ROW}px`;
  above.colSpan = below.colSpan = shown.rules.length + 1;
  placeFocus(hadFocus);
}

function newRow() {
  const name = element("th", { scope: "row", role: "rowheader", "aria-colindex": 1 }, element("a", { tabindex: -1 }));
  return element("tr", { role: "row" }, name);
}

function newCell(column) {
  return element("td", { role: "gridcell", "aria-colindex": column + 2, tabindex: -1 });
}

// Rows and cells are reused, and touched only where they differ: most cells of a fleet are alike,
// and the browser does not lay out untouched cells again at each keystroke.
function drawRow(line, row) {
  const host = shown.hosts[row];
  const { name, key, reachable } = hosts[host];
  const link = line.cells[0].firstChild;
  line.setAttribute("aria-rowindex", row + 2);
  if (link.textContent !== name) link.textContent = name;
  link.href = fragment("host", key);
  link.title = reachable ? name : `${name}: not reached`;
  line.cells[0].className = reachable ? "" : "nh-lost";
  while (line.cells.length > shown.rules.length + 1) line.lastElementChild.remove();
  for (let column = line.cells.length - 1; column < shown.rules.length; column++) line.append(newCell(column));
  let cell = line.firstElementChild;
  for (const rule of shown.rules) {
    cell = cell.nextElementSibling;
    drawCell(cell, host, rule, name);
  }
  return line;
}

function drawCell(cell, host, rule, name) {
  const rank = cellRank[host * rules.length + rule];
  const letter = LETTERS[rank];
  const results = resultsOf(host, rule);
  let dim = "";
  if (rank !== 255 && !results.some((result) => shown.mask[result])) dim = " nh-dim";
  const look = rank === 255 ? "" : `nh-c nh-c-${letter === "-" ? "n" : letter}${dim}`;
  if (cell.className !== look) cell.className = look;
  const text = rank === 255 ? "" : `${letter === "-" ? "–" : letter}${results.length > 1 ? results.length : ""}`;
  if (cell.textContent !== text) {
    cell.textContent = text.slice(0, 1);
    if (results.length > 1) cell.append(element("sub", {}, String(results.length)));
  }
  const items = results.length > 1 ? ` (${results.length} items)` : "";
  cell.setAttribute("aria-label", `${name}, ${rules[rule].id}: ${rank === 255 ? "not judged" : WORDS[letter] + items}`);
  cell.removeAttribute("title");
}

function cellAt(row, column) {
  return (row < 0 ? head.rows[0] : rows.rows[row - drawn.from])?.cells[column];
}

// The position of a cell, or of an element in it; null outside of the cells.
function placeOf(inside) {
  const cell = inside.closest("#nh-rows :is(td, th), #nh-grid thead th:not(.nh-corner)");
  if (!cell) return null;
  return { row: rows.contains(cell) ? drawn.from + cell.parentElement.sectionRowIndex : -1, column: cell.cellIndex };
}

function focusable(cell) {
  return cell?.tagName === "TH" ? cell.querySelector("a") : cell;
}

function placeFocus(take) {
  for (const cell of grid.querySelectorAll('[tabindex="0"]')) cell.tabIndex = -1;
  let target = focusable(cellAt(focus.row, focus.column));
  // If the cell is scrolled out of sight, the tab key leads to a visible one.
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
  const cell = event.target.closest("td");
  if (moves[event.key]) {
    event.preventDefault();
    moveFocus(...moves[event.key]);
  } else if ((event.key === "Enter" || event.key === " ") && cell) {
    event.preventDefault();
    openCellOf(cell);
  }
});

grid.addEventListener("click", (event) => {
  const cell = event.target.closest("#nh-rows td");
  if (cell) openCellOf(cell);
});

grid.addEventListener("focusin", (event) => {
  Object.assign(focus, placeOf(event.target));
});

grid.addEventListener("mouseover", (event) => {
  const cell = event.target.closest("#nh-rows td");
  if (cell && !cell.title) cell.title = cell.getAttribute("aria-label");
});

function openCellOf(cell) {
  Object.assign(focus, placeOf(cell));
  const host = shown.hosts[focus.row];
  const rule = shown.rules[focus.column - 1];
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
