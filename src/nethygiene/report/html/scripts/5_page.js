// The controls, and the addresses #rule=ID, #host=NAME and #cell=NAME/ID, which open something.
const control = (name) => document.getElementById(`nh-${name}`);
const form = control("filters");
const numbers = new Intl.NumberFormat("en");

function fillControls() {
  const groups = new Set(hosts.flatMap((host) => host.groups));
  control("group").append(...[...groups].sort().map((name) => element("option", { value: name }, name)));
  if (!groups.size) control("group").closest("label").hidden = true;
  control("rule").append(...rules.map((rule) => element("option", { value: rule.key }, rule.id)));
  const totals = {};
  for (const letter of columns.outcome) totals[letter] = (totals[letter] ?? 0) + 1;
  for (const [letter, word] of Object.entries(WORDS)) {
    if (!totals[letter]) continue;
    const button = element(
      "button", { type: "button", "aria-pressed": "false", "data-letter": letter, class: "nh-toggle" },
      element("span", { class: `nh-badge nh-c-${letter === "-" ? "n" : letter}`, "aria-hidden": "true" }, letter === "-" ? "–" : letter),
      ` ${word} ${numbers.format(totals[letter])}`,
    );
    button.addEventListener("click", () => {
      setOutcome(letter, !filters.outcomes.has(letter));
      refresh();
    });
    control("outcomes").append(button);
  }
}

function setOutcome(letter, on) {
  filters.outcomes[on ? "add" : "delete"](letter);
  control("outcomes").querySelector(`[data-letter="${letter}"]`)?.setAttribute("aria-pressed", String(on));
}

function setFilter(name, value) {
  filters[name] = value;
  control(name).value = value;
}

function refresh() {
  applyFilters();
  scroller.scrollTop = top = 0;
  focus.row = 0;
  drawGrid();
  tellStatus();
}

function tellStatus() {
  const some = (n, of, noun) => `${numbers.format(n)} of ${numbers.format(of)} ${noun}${of === 1 ? "" : "s"}`;
  control("status").textContent = shown.results
    ? `${some(shown.hosts.length, hosts.length, hosts.some((host) => host.members) ? "row" : "host")}, ${some(shown.rules.length, rules.length, "rule")}, ${some(shown.results, count, "result")}`
    : "Nothing matches these filters.";
}

function clearFilters() {
  for (const name of ["text", "host", "group", "rule"]) setFilter(name, "");
  for (const letter of [...filters.outcomes]) setOutcome(letter, false);
}

form.addEventListener("input", () => {
  for (const name of ["text", "host", "group", "rule", "order"]) filters[name] = control(name).value;
  refresh();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => {
  event.preventDefault();
  clearFilters();
  refresh();
});

function go(hash) {
  if (location.hash === hash) openAddress();
  else location.hash = hash;
}

function address() {
  const [, kind, rest] = /^#(rule|host|cell)=(.*)$/.exec(location.hash) ?? [];
  if (!kind) return null;
  const names = rest.split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  const rule = kind === "host" ? undefined : ruleNumbers.get(names.at(-1));
  // A host's name may hold a slash; a rule's id never does.
  const host = kind === "rule" ? undefined : hostNumbers.get((kind === "cell" ? names.slice(0, -1) : names).join("/"));
  return { kind, rule, host };
}

function openAddress() {
  const addressed = address();
  if (!addressed) {
    closeQuietly(); // the back button leads to the page itself, for instance
    return;
  }
  const { kind, rule, host } = addressed;
  if ((kind !== "host" && rule === undefined) || (kind !== "rule" && host === undefined)) {
    openPanel(["Not in this report"], element("p", {}, "The address names a host or a rule that this run did not judge."));
    return;
  }
  // The filters must not hide what the address opens.
  const filteredOut = (host !== undefined && !shown.hosts.includes(host)) || (rule !== undefined && !shown.rules.includes(rule));
  if (filteredOut) {
    clearFilters();
    refresh();
  }
  if (kind === "rule") {
    const section = document.getElementById(location.hash.slice(1));
    if (section) {
      closeQuietly();
      section.scrollIntoView();
      section.focus({ preventScroll: true });
      return;
    }
    openRule(rule);
  } else if (kind === "host") openHost(host);
  else openCell(host, rule);
  if (host !== undefined) moveFocus(shown.hosts.indexOf(host), rule === undefined ? 0 : shown.rules.indexOf(rule) + 1, false);
}

function closeQuietly() {
  panel.hidden = true;
}

addEventListener("hashchange", openAddress);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") closePanel();
});
// A link to all results of a rule of one outcome.
document.getElementById("nethygiene").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-outcome]");
  if (!link) return;
  event.preventDefault();
  clearFilters();
  setFilter("rule", ruleNumbers.has(link.dataset.rule) ? link.dataset.rule : "");
  setOutcome({ failed: "F", unknown: "U", waived: "W" }[link.dataset.outcome], true);
  refresh();
  document.getElementById("matrix").scrollIntoView();
});
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("#nethygiene > section details:not([open])")];
  for (const details of unfolded) details.open = true;
  drawForPaper();
});
addEventListener("afterprint", () => {
  for (const details of unfolded) details.open = false;
  control("unprinted").hidden = true;
  drawRows(true);
});

{
  const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
  const page = document.getElementById("nethygiene");
  document.documentElement.lang = "en";
  if (page.classList.contains("nh-alone")) {
    document.head.append(element("meta", { "http-equiv": "Content-Security-Policy", content: policy }), element("link", { rel: "icon", href: "data:," }));
  }
  for (const box of document.querySelectorAll(".nh-copy")) withCopy(box);
  document.getElementById("nh-matrix").hidden = false;
  fillControls();
  refresh();
  openAddress();
}
