// The run: columns of the results, and for each cell (host x rule) the results in it.
const data = JSON.parse(document.getElementById("nh-data").textContent);
const { hosts, rules, strings, lists, observations, advice } = data;
const columns = data.results;
const count = columns.outcome.length;

const WORDS = { F: "failed", U: "unknown", W: "waived", P: "passed", "-": "not applicable" };
const LETTERS = ["-", "P", "W", "U", "F"]; // from best to worst
const SEVERITIES = ["critical", "high", "medium", "low"];

const resultHost = new Int32Array(count);
const resultRule = Int32Array.from(columns.rule);
const resultRank = new Uint8Array(count); // index into LETTERS
const cellCount = hosts.length * rules.length;
const cellStart = new Int32Array(cellCount + 1);
const cellResults = new Int32Array(count);
const cellRank = new Uint8Array(cellCount).fill(255); // 255: not judged
const hostBadness = new Float64Array(hosts.length);

{
  const ranks = Object.fromEntries(LETTERS.map((letter, rank) => [letter, rank]));
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += columns.host[i];
    resultHost[i] = at;
    const rank = (resultRank[i] = ranks[columns.outcome[i]]);
    const cell = at * rules.length + resultRule[i];
    cellStart[cell + 1]++;
    if (cellRank[cell] === 255 || rank > cellRank[cell]) cellRank[cell] = rank;
    if (rank === 4) hostBadness[at] += 1e6 * 10 ** (3 - SEVERITIES.indexOf(rules[resultRule[i]].severity));
    else if (rank === 3) hostBadness[at] += 1e3;
    else if (rank === 2) hostBadness[at] += 1;
  }
  for (let cell = 0; cell < cellCount; cell++) cellStart[cell + 1] += cellStart[cell];
  const next = cellStart.slice();
  for (let i = 0; i < count; i++) cellResults[next[resultHost[i] * rules.length + resultRule[i]]++] = i;
}

const hostNumbers = new Map(hosts.map((host, number) => [host.key, number]));
const ruleNumbers = new Map(rules.map((rule, number) => [rule.key, number]));
const ruleOrder = rules.map((_, number) => number);
ruleOrder.sort((a, b) => severityOf(a) - severityOf(b) || (rules[a].id < rules[b].id ? -1 : 1));

function severityOf(rule) {
  return SEVERITIES.indexOf(rules[rule].severity);
}

function string(number) {
  return number < 0 ? "" : strings[number];
}

function resultsOf(host, rule) {
  const cell = host * rules.length + rule;
  return cellResults.subarray(cellStart[cell], cellStart[cell + 1]);
}

// An element with text and children; nothing is ever parsed as HTML.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== ""));
  return made;
}

function fragment(kind, ...names) {
  return `#${kind}=${names.map((name) => encodeURIComponent(name.toWellFormed ? name.toWellFormed() : name)).join("/")}`;
}
