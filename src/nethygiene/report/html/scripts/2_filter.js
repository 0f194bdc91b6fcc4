// The hosts, rules and results that the filters leave.
const filters = { text: "", host: "", group: "", rule: "", order: "worst", outcomes: new Set() };
const shown = { hosts: [], rules: [], results: 0, mask: new Uint8Array(count) };

const lowerStrings = [];
const hostTexts = [];
const ruleTexts = [];

function prepareTexts() {
  for (const text of strings) lowerStrings.push(text.toLowerCase());
  for (const host of hosts) {
    hostTexts.push([host.name, host.address, host.os, host.kernel, host.error, ...host.groups].join("\n").toLowerCase());
  }
  for (const rule of rules) ruleTexts.push([rule.id, rule.title, rule.severity, rule.kind, ...rule.incidents].join("\n").toLowerCase());
}

prepareTexts();

// The strings of each result, as indexes that are one higher than in the columns: 0 is none.
const said = ["item", "message", "reason", "waiver"].map((name) => Int32Array.from(columns[name], (index) => index + 1));
const saidList = Int32Array.from(columns.list, (index) => index + 1);
const marksOf = new Map(); // the results in which a word occurs, for the last few words

// Results in which a word occurs: in the host, the rule, the message or the observations.
function occurrences(word) {
  if (marksOf.has(word)) return marksOf.get(word);
  const flags = (texts) => Uint8Array.from(texts, (text) => (text.includes(word) ? 1 : 0));
  const inHost = flags(hostTexts);
  const inRule = flags(ruleTexts);
  const inString = new Uint8Array(strings.length + 1);
  for (let i = 0; i < strings.length; i++) inString[i + 1] = lowerStrings[i].includes(word) ? 1 : 0;
  const inList = new Uint8Array(lists.length + 1);
  for (let number = 0; number < lists.length; number++) {
    inList[number + 1] = lists[number].some((observation) => {
      const at = observation * 4;
      return inString[observations[at] + 1] | inString[observations[at + 1] + 1] | inString[observations[at + 2] + 1] | inString[observations[at + 3] + 1];
    }) ? 1 : 0;
  }
  const [item, message, reason, waiver] = said;
  const marks = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    marks[i] =
      inHost[resultHost[i]] | inRule[resultRule[i]] | inList[saidList[i]] |
      inString[item[i]] | inString[message[i]] | inString[reason[i]] | inString[waiver[i]];
  }
  if (marksOf.size >= 8) marksOf.delete(marksOf.keys().next().value);
  marksOf.set(word, marks);
  return marks;
}

function hostPattern(pattern) {
  const text = pattern.trim().toLowerCase();
  if (!text.includes("*")) return (name) => name.toLowerCase().includes(text);
  const parts = text.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`);
  return (name) => expression.test(name.toLowerCase());
}

function applyFilters() {
  const words = filters.text.toLowerCase().split(/\s+/).filter(Boolean).map(occurrences);
  const textOk = words.length ? words[0].slice() : new Uint8Array(count).fill(1);
  for (const marks of words.slice(1)) for (let i = 0; i < count; i++) textOk[i] &= marks[i];
  const isWanted = hostPattern(filters.host);
  const hostOk = Uint8Array.from(hosts, (host) =>
    (!filters.group || host.groups.includes(filters.group)) && isWanted(host.name) ? 1 : 0,
  );
  const rule = filters.rule === "" ? -1 : ruleNumbers.get(filters.rule) ?? -1;
  const outcomeOk = Uint8Array.from(LETTERS, (letter) => (!filters.outcomes.size || filters.outcomes.has(letter) ? 1 : 0));
  const ruleOk = Uint8Array.from(rules, (_, number) => (rule < 0 || number === rule ? 1 : 0));
  const hostSeen = new Uint8Array(hosts.length);
  const ruleSeen = new Uint8Array(rules.length);
  shown.results = 0;
  for (let i = 0; i < count; i++) {
    const ok = hostOk[resultHost[i]] & ruleOk[resultRule[i]] & outcomeOk[resultRank[i]] & textOk[i];
    shown.mask[i] = ok;
    if (ok) {
      shown.results++;
      hostSeen[resultHost[i]] = 1;
      ruleSeen[resultRule[i]] = 1;
    }
  }
  shown.hosts = [];
  for (let i = 0; i < hosts.length; i++) if (hostSeen[i]) shown.hosts.push(i);
  if (filters.order === "worst") shown.hosts.sort((a, b) => hostBadness[b] - hostBadness[a] || a - b);
  shown.rules = ruleOrder.filter((rule) => ruleSeen[rule]);
}
