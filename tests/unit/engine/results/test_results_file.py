"""The results file of a real run: its schema, what each outcome carries, what it sums up to."""

from __future__ import annotations

import copy
import json
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nethygiene.engine.results import Run
from tests.unit.engine.results.run import Ran

SCHEMA = json.loads(
    files("nethygiene.schemas").joinpath("results.schema.json").read_text(encoding="utf-8")
)


def one(ran: Ran, rule: str, host: str) -> dict[str, Any]:
    (found,) = [r for r in ran.document["results"] if (r["rule"], r["host"]) == (rule, host)]
    assert isinstance(found, dict)
    return found


def test_a_run_fits_the_shipped_schema(ran: Ran) -> None:
    Draft202012Validator(SCHEMA, format_checker=None).validate(ran.document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 1),
        (("results", 0, "outcome"), "ok"),
        (("results", 0, "reason"), "because"),
        (("results", 0, "severity"), None),
        (("hosts", 0, "reachable"), "yes"),
        (("summary", "passed"), "9"),
        (("exit_status",), None),
    ],
)
def test_the_schema_refuses_what_is_none(ran: Ran, path: tuple[str | int, ...], value: Any) -> None:  # noqa: ANN401
    broken = copy.deepcopy(ran.document)
    place: Any = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_a_reader_ignores_keys_of_later_versions(ran: Ran) -> None:
    later = copy.deepcopy(ran.document)
    later["new"] = later["results"][0]["new"] = {"anything": 1}
    Draft202012Validator(SCHEMA).validate(later)
    assert Run.model_validate(later) == Run.model_validate(ran.document)


def test_a_failure_says_what_was_seen_and_expected(ran: Ran) -> None:
    failed = one(ran, "somaxconn-meets-policy", "strict")
    assert (failed["outcome"], failed["reason"], failed["waiver"]) == ("failed", None, None)
    (seen,) = failed["observations"]
    assert seen["what"] == "net.core.somaxconn"
    assert seen["source"] == "/proc/sys/net/core/somaxconn"
    assert seen["expected"] == "at least 2147483647"
    assert seen["actual"].isdigit()
    assert "expected at least 2147483647" in failed["message"]


def test_a_waived_failure_names_its_waiver(ran: Ran) -> None:
    waived = one(ran, "somaxconn-meets-policy", "lenient")
    assert waived["outcome"] == "waived"
    assert waived["waiver"] == {
        "name": "small",
        "until": "2999-12-31",
        "owner": "netops",
        "reason": "for this test",
    }
    assert waived["fingerprint"] != one(ran, "somaxconn-meets-policy", "strict")["fingerprint"]


def test_an_unknown_says_why(ran: Ran) -> None:
    unknown = one(ran, "accept-queue-not-overflowing", "strict")
    assert (unknown["outcome"], unknown["reason"]) == ("unknown", "no-second-sample")
    assert "--window" in unknown["message"]


def test_what_does_not_apply_says_why(ran: Ran) -> None:
    skipped = one(ran, "somaxconn-covers-backlog", "strict")
    assert (skipped["outcome"], skipped["reason"]) == ("not-applicable", "not-declared")


def test_a_pass_carries_observations_too(ran: Ran) -> None:
    passed = [one for one in ran.document["results"] if one["outcome"] == "passed"]
    assert passed
    assert all(one["observations"] for one in passed)


def test_the_run_describes_itself(ran: Ran) -> None:
    document = ran.document
    assert document["schema"] == 2
    assert document["exit_status"] == ran.status == 1
    assert document["labels"] == {"ticket": "NET-412"}
    assert document["window"] == 0
    assert document["started"].endswith("Z")
    assert document["started"] <= document["finished"]
    assert [host["name"] for host in document["hosts"]] == ["lenient", "strict"]
    assert all(host["reachable"] and host["kernel"] for host in document["hosts"])
    judged = {one["rule"] for one in document["results"]}
    assert judged == {rule["id"] for rule in document["rules"]}
    counts = Counter(one["outcome"] for one in document["results"])
    assert {key: n for key, n in document["summary"].items() if n} == counts


def test_fingerprints_are_unique_in_a_run(ran: Ran) -> None:
    prints = [one["fingerprint"] for one in ran.document["results"]]
    assert len(set(prints)) == len(prints)
