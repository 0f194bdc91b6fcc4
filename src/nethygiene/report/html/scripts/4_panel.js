// The panel beside the matrix: a cell's observations, a host, or a rule.
const panel = document.getElementById("nh-panel");
let returnTo = null;

function badge(letter) {
  return element("span", { class: `nh-badge nh-c-${letter === "-" ? "n" : letter}` }, `${letter === "-" ? "–" : letter} ${WORDS[letter]}`);
}

// Text in which words in backticks become code.
function marked(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

// Files and commands, that a narrow column breaks after a slash and not within a word.
function breakable(text) {
  return text.split(/(?<=\w\/)/).flatMap((part, index) => (index ? [element("wbr"), part] : [part]));
}

function facts(pairs) {
  const list = element("dl", {});
  for (const [key, value] of pairs) {
    if (value) list.append(element("div", {}, element("dt", {}, key), element("dd", {}, value)));
  }
  return list;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const [d, h, m] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : `${m} min`;
}

function seen(result) {
  const list = columns.list[result];
  if (list < 0) return "";
  const table = element(
    "table", { class: "nh-stories" },
    element("thead", {}, element("tr", {}, ...["Looked at", "Expected", "Found", "Read from"].map((title) => element("th", { scope: "col" }, title)))),
  );
  const body = element("tbody", {});
  for (const observation of lists[list]) {
    const [what, expected, actual, source] = observations.slice(observation * 4, observation * 4 + 4).map(string);
    body.append(element(
      "tr", {},
      element("td", { "data-label": "Looked at" }, what),
      element("td", { "data-label": "Expected" }, expected || "–"),
      element("td", { "data-label": "Found", class: "nh-found" }, actual),
      element("td", { "data-label": "Read from", class: "nh-source" }, ...(source ? breakable(source) : ["declared"])),
    ));
  }
  table.append(body);
  return table;
}

function resultPart(result) {
  const letter = columns.outcome[result];
  const item = string(columns.item[result]);
  const part = element("section", { class: "nh-result" }, element("h3", {}, badge(letter), item ? ` ${item}` : ""));
  const message = string(columns.message[result]);
  const reason = string(columns.reason[result]);
  const waiver = string(columns.waiver[result]);
  if (message) part.append(element("p", {}, message));
  const way = string(columns.way[result]);
  if (way) part.append(element("p", { class: "nh-way" }, element("strong", {}, "Way "), way));
  if (waiver) part.append(element("p", {}, element("strong", {}, "Waiver "), waiver));
  if (reason) part.append(element("p", { class: "nh-quiet" }, `${reason}. `, ...(letter === "U" ? marked(advice[reason] ?? "") : [])));
  part.append(seen(result));
  const remedy = string(columns.remedy[result]);
  if (remedy) part.append(element("h3", {}, "Remedy"), ...remedyParts(remedy));
  return part;
}

// A rule's documentation, without its general remedy if findings have their own.
function ruleDocumentation(rule, general = true) {
  const { title, severity, kind, incidents, why, remedy } = rules[rule];
  const parts = [element("p", {}, element("strong", {}, "Expected: "), title, ". ", element("span", { class: "nh-quiet" }, `${severity}, ${kind}`))];
  if (why) parts.push(element("p", {}, element("strong", {}, "Why it matters: "), ...marked(why)));
  if (incidents.length) parts.push(element("p", {}, element("strong", {}, "Incident: "), incidents.join("; ")));
  if (remedy && general) parts.push(element("h3", {}, "Remedy"), ...remedyParts(remedy));
  return parts;
}

// The markup of markup.py: a line of code in one backtick is a command, in two a line for a file.
function remedyParts(remedy) {
  const parts = [];
  let last = "";
  for (const line of remedy.split("\n")) {
    const code = /^(``?)([^`]+)\1$/.exec(line.trim());
    const form = line.trim() ? (code ? code[1] : "text") : "";
    if (form && form !== last) {
      parts.push(code
        ? withCopy(element("div", { class: form === "``" ? "nh-copy nh-content" : "nh-copy" }, element("pre", { tabindex: 0 }, element("code", {}, code[2].trim()))))
        : element("p", {}, ...marked(line)));
    } else if (code) {
      parts.at(-1).querySelector("code").append(`\n${code[2].trim()}`);
    } else if (form) {
      parts.at(-1).append(" ", ...marked(line));
    }
    last = form;
  }
  return parts;
}

function withCopy(box) {
  const button = element("button", { type: "button", class: "nh-button" }, "Copy");
  button.addEventListener("click", async () => {
    const text = box.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(box.querySelector("code"));
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  box.append(button);
  return box;
}

function openPanel(title, ...parts) {
  if (panel.hidden) returnTo = document.activeElement;
  const close = element("button", { type: "button", class: "nh-button nh-close", "aria-label": "close" }, "✕");
  close.addEventListener("click", closePanel);
  panel.replaceChildren(
    element("header", {}, element("h2", { id: "nh-panel-title" }, ...title), close),
    ...parts.filter((part) => part !== ""),
  );
  panel.hidden = false;
  panel.scrollTop = 0;
  panel.focus({ preventScroll: true });
}

function closePanel() {
  if (panel.hidden) return;
  panel.hidden = true;
  history.replaceState(null, "", "#matrix");
  if (returnTo?.isConnected && returnTo !== document.body) returnTo.focus({ preventScroll: true });
  else placeFocus(true);
}

function openCell(host, rule) {
  const results = [...resultsOf(host, rule)];
  const title = [
    element("a", { href: fragment("host", hosts[host].key) }, hosts[host].name), " × ",
    element("a", { href: fragment("rule", rules[rule].key) }, rules[rule].id),
  ];
  const parts = results.length ? results.map(resultPart) : [element("p", {}, "This rule was not judged on this host.")];
  const failing = results.filter((result) => "FW".includes(columns.outcome[result]));
  const general = !failing.length || failing.some((result) => !string(columns.remedy[result]));
  openPanel(title, ...parts, element("details", {}, element("summary", {}, "About this rule"), ...ruleDocumentation(rule, general)));
}

function openHost(number) {
  const host = hosts[number];
  const about = host.members ? facts([
    ["members", host.members.join(", ")], ["outside --limit", host.leftOut.join(", ")],
  ]) : facts([
    ["address", host.address], ["groups", host.groups.join(", ")], ["system", host.os], ["kernel", host.kernel],
    ["uptime", duration(host.uptime)], ["privilege", host.privileged ? "root, or sudo obeyed" : "an ordinary user"],
  ]);
  const list = element("ul", { class: "nh-list" });
  for (const rule of [...ruleOrder].sort((a, b) => badness(number, b) - badness(number, a))) {
    const rank = cellRank[number * rules.length + rule];
    if (rank === 255) continue;
    list.append(element("li", {}, badge(LETTERS[rank]), " ", element("a", { href: fragment("cell", host.key, rules[rule].key) }, rules[rule].id)));
  }
  const lost = host.error ? element("p", { class: "nh-lost" }, host.error) : "";
  openPanel([host.name], lost, about, list);
}

function badness(host, rule) {
  const rank = cellRank[host * rules.length + rule];
  return rank === 255 ? -1 : rank;
}

function openRule(rule) {
  const totals = {};
  for (let i = 0; i < count; i++) if (resultRule[i] === rule) totals[columns.outcome[i]] = (totals[columns.outcome[i]] ?? 0) + 1;
  const totalsInWords = Object.entries(WORDS).filter(([letter]) => totals[letter]).map(([letter, word]) => `${totals[letter].toLocaleString("en")} ${word}`);
  openPanel([rules[rule].id], element("p", { class: "nh-quiet" }, totalsInWords.join(", ")), ...ruleDocumentation(rule));
}
