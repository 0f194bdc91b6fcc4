"""`nethygiene redact`: copies an evidence file with pseudonyms."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from nethygiene.collect.evidence import EvidenceWriter, read_evidence
from nethygiene.commands.command import Parser
from nethygiene.errors import EvidenceError, UsageError
from nethygiene.redaction import redact


def run(arguments: Sequence[str]) -> int:
    """Write the file.

    Raises:
        UsageError: the evidence is wrong, or the new file cannot be written.
    """
    parser = Parser(
        "redact",
        description="""
            Copy an evidence file with pseudonyms for addresses and names. They
            replace one to one, alike in the whole file, so that rules judge it as they
            judged the original. The key of the pseudonyms is kept nowhere.
            """,
        after="""
            example:
              nethygiene audit -i hosts.yaml --evidence=before.jsonl
              nethygiene redact before.jsonl redacted.jsonl
              nethygiene audit --from-evidence=redacted.jsonl
            """,
    )
    parser.add_argument("evidence", metavar="IN", type=Path, help="what --evidence=FILE kept")
    parser.add_argument("redacted", metavar="OUT", type=Path, help="the new file")
    options = parser.parse_args(arguments)
    source: Path = options.evidence
    to: Path = options.redacted
    if to.exists():
        raise EvidenceError(f"{to}: is there already: name a new file")
    try:
        header, _ = read_evidence(source)
        hosts = redact(lambda: read_evidence(source)[1])
        # The whole file is read before the first host comes: an error in it is reported before
        # the new file is made.
        first = next(hosts, None)
        with EvidenceWriter(to, header.unnamed()) as writer:
            for host in () if first is None else itertools.chain([first], hosts):
                writer.add(host)
    except EvidenceError:
        raise
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from None
    return 0
