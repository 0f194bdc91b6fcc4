"""Remedies of equal words become one, whose lines come in an order that suits each."""

from __future__ import annotations

import pytest

from nethygiene.markup import joined


def remedy(*commands: str) -> str:
    return "Do this.\n\n" + "\n".join(f"`{one}`" for one in commands)


@pytest.mark.parametrize(
    ("several", "one"),
    [
        # What ends each of them comes last.
        (["a 1,a 2,reload", "b 1,b 2,reload"], "a 1,a 2,b 1,b 2,reload"),
        # What begins each of them comes first, and once.
        (["table,a", "table,b", "table,c"], "table,a,b,c"),
        (["make,a,reload,restart a", "make,b,reload,restart b"],
         "make,a,b,reload,restart a,restart b"),
        # The second needs what the first does not have.
        (["a,reload", "b 1,b 2,b 3,reload,c"], "a,b 1,b 2,b 3,reload,c"),
        # Nobody can tell which of the orders is meant: each remedy as it is.
        (["a,b", "b,a"], "a,b,b,a"),
        (["a,sleep,b,sleep", "c"], "a,sleep,b,sleep,c"),
    ],
)  # fmt: skip
def test_lines_of_several_remedies(several: list[str], one: str) -> None:
    assert joined(remedy(*each.split(",")) for each in several) == [remedy(*one.split(","))]


def test_remedies_of_other_words_stay_apart() -> None:
    assert joined(["Do this.\n\n`a`", "Do that.\n\n`a`"]) == ["Do this.\n\n`a`", "Do that.\n\n`a`"]
