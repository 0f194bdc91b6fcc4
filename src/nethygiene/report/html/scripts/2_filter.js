// Which hosts, rules and results the filters leave.
const filters = { text: "", host: "", group: "", rule: "", order: "worst", outcomes: new Set() };
const shown = { hosts: [], rules: [], results: 0, mask: new Uint8Array(count) };

const lowerStrings = [];
const hostTexts = [];
const ruleTexts = [];

function prepareTexts() {
  for (const one of strings) lowerStrings.push(one.toLowerCase());
  for (const one of hosts) {
    hostTexts.push([one.name, one.address, one.os, one.kernel, one.error, ...one.groups].join("\n").toLowerCase());
  }
  for (const one of rules) ruleTexts.push([one.id, one.title, one.severity, one.kind, ...one.incidents].join("\n").toLowerCase());
}

prepareTexts();

// Results in which a word occurs: in its host, its rule, or anything that was said or seen.
function occurrences(word) {
  const flags = (texts) => Uint8Array.from(texts, (text) => (text.includes(word) ? 1 : 0));
  const inHost = flags(hostTexts);
  const inRule = flags(ruleTexts);
  const inString = flags(lowerStrings);
  const inList = Uint8Array.from(lists, (list) =>
    list.some((one) => {
      const at = one * 4;
      for (let i = at; i < at + 4; i++) if (observations[i] >= 0 && inString[observations[i]]) return true;
      return false;
    }) ? 1 : 0,
  );
  const { item, message, reason, waiver, list } = columns;
  const found = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    found[i] =
      inHost[resultHost[i]] | inRule[resultRule[i]] |
      (item[i] >= 0 ? inString[item[i]] : 0) | (message[i] >= 0 ? inString[message[i]] : 0) |
      (reason[i] >= 0 ? inString[reason[i]] : 0) | (waiver[i] >= 0 ? inString[waiver[i]] : 0) |
      (list[i] >= 0 ? inList[list[i]] : 0);
  }
  return found;
}

function hostPattern(pattern) {
  const wanted = pattern.trim().toLowerCase();
  if (!wanted.includes("*")) return (name) => name.toLowerCase().includes(wanted);
  const parts = wanted.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`);
  return (name) => expression.test(name.toLowerCase());
}

function applyFilters() {
  const words = filters.text.toLowerCase().split(/\s+/).filter(Boolean).map(occurrences);
  const textOk = words.length ? words.reduce((all, one) => all.map((ok, i) => ok & one[i])) : null;
  const isWanted = hostPattern(filters.host);
  const hostOk = Uint8Array.from(hosts, (host) =>
    (!filters.group || host.groups.includes(filters.group)) && isWanted(host.name) ? 1 : 0,
  );
  const rule = filters.rule === "" ? -1 : ruleNumbers.get(filters.rule) ?? -1;
  const outcomeOk = LETTERS.map((letter) => !filters.outcomes.size || filters.outcomes.has(letter));
  const hostSeen = new Uint8Array(hosts.length);
  const ruleSeen = new Uint8Array(rules.length);
  shown.results = 0;
  for (let i = 0; i < count; i++) {
    const ok =
      hostOk[resultHost[i]] && (rule < 0 || resultRule[i] === rule) && outcomeOk[resultRank[i]] &&
      (textOk === null || textOk[i]);
    shown.mask[i] = ok ? 1 : 0;
    if (ok) {
      shown.results++;
      hostSeen[resultHost[i]] = 1;
      ruleSeen[resultRule[i]] = 1;
    }
  }
  shown.hosts = [];
  for (let i = 0; i < hosts.length; i++) if (hostSeen[i]) shown.hosts.push(i);
  if (filters.order === "worst") shown.hosts.sort((a, b) => hostBadness[b] - hostBadness[a] || a - b);
  shown.rules = ruleOrder.filter((one) => ruleSeen[one]);
}
