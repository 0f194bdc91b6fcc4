"""A page for each rule, from its docstring, and the index of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nethygiene.docgen.catalogue import CheckModule
from nethygiene.docgen.markdown import code, notice, prose, table
from nethygiene.docgen.probes_page import fact_in_a_line
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.probe import Probe
from nethygiene.engine.rule import ALWAYS_SENT, Rule
from nethygiene.sudoers import sudoers_rule

_INTRODUCTION = """\
Each was born from a [real incident](../incidents.md). A rule's id says the wanted state and never
changes; severity, kind and incidents are pytest markers too, as in `-m "high and not rate"` or
`-m S3`. What each fact is read from stands in [probes](../probes.md).
"""


def rule_page(rule: Rule, module: CheckModule) -> str:
    """The page of one rule."""
    documentation = rule.documentation
    facts = table(
        ("severity", "kind", "one result for", "incidents", "version"),
        [(rule.severity, rule.kind, _scope(rule), _incidents(rule, "../"), str(rule.version))],
    )
    parts = [
        notice(f"the docstring in {module.path}"),
        f"# {rule.id}\n",
        f"{documentation.title}.\n",
        facts,
        prose(documentation.description),
        f"## Why\n\n{prose(documentation.why)}",
        f"## Remedy\n\n{prose(documentation.remedy)}",
        f"## Kernels\n\n{prose(documentation.kernels)}" if documentation.kernels else "",
        f"## What it reads\n\n{_reads(rule)}",
        f"## Run it alone\n\n{code([f'pytest checks --inventory=FILE -k {rule.id}'])}",
        "## References\n\n" + "".join(f"- {reference}\n" for reference in documentation.references),
    ]
    return "\n".join(part for part in parts if part)


def index_page(modules: Iterable[CheckModule]) -> str:
    """The index of all rules, by subject."""
    parts = [
        notice("the docstrings in checks/"),
        "# Rules\n",
        _INTRODUCTION,
    ]
    for module in modules:
        rows = (
            (
                f"[{rule.id}]({rule.id}.md)",
                rule.documentation.title,
                rule.severity,
                rule.kind,
                _scope(rule),
                _incidents(rule, "../"),
            )
            for rule in module.rules
        )
        header = ("rule", "what has to hold", "severity", "kind", "one result for", "incidents")
        parts += [f"## {module.subject}\n", table(header, rows)]
    return "\n".join(parts)


def _scope(rule: Rule) -> str:
    if rule.judges_reachability:
        return "each host, always"
    if rule.scope == "group" and rule.declared is not None:
        return f"each {rule.declared} that a group declares"
    if rule.scope == "group":
        return "each group"
    if rule.scope == "run":
        found = f"each {rule.found.replace('_', ' and ')} found in " if rule.found else ""
        return f"{found}the run"
    if rule.declared is not None:
        return f"each declared {rule.declared}"
    if rule.found is not None:
        return f"each {rule.found.replace('_', ' and ')} found"
    return "each host"


def _incidents(rule: Rule, up: str) -> str:
    return ", ".join(f"[{code}]({up}incidents.md#{code.lower()})" for code in rule.incidents)


def _reads(rule: Rule) -> str:
    asked = [name for name in rule.arguments if name in rule.probes]
    others = sorted(rule.probes.difference(asked, ALWAYS_SENT))
    probes = [all_probes()[name] for name in (*asked, *others)]
    if not probes:
        return "How the host was reached, and nothing on it.\n"
    lines = [
        f"- [`{probe.name}`](../probes.md#{probe.name}): {fact_in_a_line(probe)}\n"
        for probe in probes
    ]
    return "".join(lines) + "\n" + "\n".join(_privilege(probes))


def _privilege(probes: Iterable[Probe]) -> Iterator[str]:
    privileged = [command for probe in probes for command in probe.commands if command.privileged]
    if not privileged:
        yield "No privilege is needed.\n"
        return
    commands = ", ".join(f"`{command.shell}`" for command in privileged)
    yield (
        f"{commands} is run as root where that is allowed: log in as root, or set "
        "`ansible_become` and give the login this line in sudoers "
        "(`nethygiene sudoers --user audit` prints the whole file):\n"
    )
    yield code(sudoers_rule(command, "audit") for command in privileged)
