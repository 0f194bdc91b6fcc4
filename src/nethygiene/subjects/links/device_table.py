"""The table /proc/net/dev: one row an interface; the table's own header names the columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """The counters of all interfaces at one moment.

    Attributes:
        columns: ``rx_bytes``, ``rx_packets``, ``rx_errs``, ``rx_drop``… ``tx_compressed``.
        rows: interface to its row, unparsed: a rule reads few of hundreds.
    """

    columns: tuple[str, ...]
    rows: Mapping[str, str]

    def text(self, interface: str, column: str) -> str | None:
        """What stands in a column; None if the row or the column is missing or misshapen."""
        numbers = self.rows.get(interface, "").split()
        if len(numbers) != len(self.columns) or column not in self.columns:
            return None
        return numbers[self.columns.index(column)]


def parse_device_table(lines: Iterable[str]) -> DeviceTable | None:
    """Read the table; None without a header, which alone says what a number means."""
    columns: tuple[str, ...] = ()
    rows: dict[str, str] = {}
    for line in lines:
        name, colon, numbers = line.partition(":")
        parts = line.split("|")
        if colon:
            rows[name.strip()] = numbers
        elif len(parts) == 3 and parts[0].strip() == "face":
            columns = tuple(
                f"{way}_{column}"
                for way, part in zip(("rx", "tx"), parts[1:], strict=True)
                for column in part.split()
            )
    return DeviceTable(columns, rows) if columns else None
