"""Sets of addresses as intervals, and the classes of addresses that a filter treats alike.

The classes are atomic predicates (Yang and Lam, "Real-time Verification of Network Properties using
Atomic Predicates", ICNP 2013). A class is all the addresses that belong to the same prefixes and
sets that the ruleset and the routes name. Every rule treats them alike. So one bit of an integer
stands for each class, and one walk over the rules decides for all addresses.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from ipaddress import IPv4Address, IPv6Address, ip_address

from nethygiene.subjects.links.ip.families import Family, Network

Interval = tuple[int, int]
"""First and last address, both included."""
Intervals = tuple[Interval, ...]
"""Sorted and disjoint."""

BITS = {"ipv4": 32, "ipv6": 128}


def family_of(version: int) -> Family:
    """``ipv4`` or ``ipv6``, from 4 or 6."""
    return "ipv4" if version == 4 else "ipv6"


def everything(family: Family) -> Intervals:
    """All addresses of a family."""
    return ((0, (1 << BITS[family]) - 1),)


def interval_of(network: Network) -> Interval:
    """A network's first and last address."""
    return int(network.network_address), int(network.broadcast_address)


def merged(intervals: Iterable[Interval]) -> Intervals:
    """The same addresses, sorted and disjoint; adjacent intervals are joined."""
    result: list[Interval] = []
    for low, high in sorted(intervals):
        if result and low <= result[-1][1] + 1:
            if high > result[-1][1]:
                result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return tuple(result)


def inverted(intervals: Intervals, family: Family) -> Intervals:
    """All other addresses of the family."""
    result: list[Interval] = []
    start = 0
    for low, high in intervals:
        if low > start:
            result.append((start, low - 1))
        start = high + 1
    last = (1 << BITS[family]) - 1
    if start <= last:
        result.append((start, last))
    return tuple(result)


def without(intervals: Intervals, taken: Intervals, family: Family) -> Intervals:
    """The addresses of the first that are not in the second."""
    return common(intervals, inverted(taken, family))


def common(these: Intervals, other: Intervals) -> Intervals:
    """The addresses that are in both."""
    result: list[Interval] = []
    i = j = 0
    while i < len(these) and j < len(other):
        low, high = max(these[i][0], other[j][0]), min(these[i][1], other[j][1])
        if low <= high:
            result.append((low, high))
        if these[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def holds(intervals: Intervals, number: int) -> bool:
    """Whether a number lies in one of the intervals."""
    place = bisect_right(intervals, (number, 1 << 200)) - 1
    return place >= 0 and intervals[place][1] >= number


def written(number: int, family: Family) -> str:
    """An address as people write it."""
    return str(IPv4Address(number) if family == "ipv4" else IPv6Address(number))


def parse_address(text: str) -> tuple[int, Family] | None:
    """An address's number and family; None if it is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return int(address), family_of(address.version)


@dataclass(frozen=True, slots=True)
class Classes:
    """The address space of one family, cut into classes.

    Attributes:
        family: the family.
        starts: where each stretch of one class begins, sorted; the first is 0.
        numbers: the class of each stretch.
        samples: an address of each class.
    """

    family: Family
    starts: tuple[int, ...]
    numbers: tuple[int, ...]
    samples: tuple[int, ...]

    @property
    def all(self) -> int:
        """The mask of all classes."""
        return (1 << len(self.samples)) - 1

    def mask(self, intervals: Intervals) -> int:
        """The classes that have an address in the intervals."""
        classes: set[int] = set()
        for low, high in intervals:
            first = bisect_right(self.starts, low) - 1
            last = bisect_right(self.starts, high)
            if last - first >= len(self.starts):
                return self.all
            classes.update(self.numbers[first:last])
        bits = bytearray(len(self.samples) // 8 + 1)
        for number in classes:
            bits[number >> 3] |= 1 << (number & 7)
        return int.from_bytes(bits, "little")

    def members(self, mask: int) -> Iterator[int]:
        """The numbers of the classes in a mask."""
        while mask:
            lowest = mask & -mask
            yield lowest.bit_length() - 1
            mask ^= lowest

    def stretches(self, mask: int, within: Intervals) -> Intervals:
        """The addresses of these classes that lie within the intervals."""
        return merged(self.each_stretch(mask, within))

    def each_stretch(self, mask: int, within: Intervals) -> Iterator[Interval]:
        """The same stretches one by one, in order; adjacent stretches are not joined."""
        last = (1 << BITS[self.family]) - 1
        for low, high in within:
            place = bisect_right(self.starts, low) - 1
            while place < len(self.starts) and self.starts[place] <= high:
                if mask >> self.numbers[place] & 1:
                    end = self.starts[place + 1] - 1 if place + 1 < len(self.starts) else last
                    yield max(low, self.starts[place]), min(high, end)
                place += 1


def classes_of(family: Family, sets: Iterable[Intervals]) -> Classes:
    """Cut the address space by all of `sets`: a class's addresses are in the same sets.

    A stretch's signature is the sum of random marks of the sets that hold it, as in Zobrist hashing
    (1970, with sums for exclusive or). Equal signatures mean equal sets: 160 bits do not collide by
    chance.
    """
    changes: dict[int, list[int]] = {0: []}
    end = 1 << BITS[family]
    for number, intervals in enumerate(dict.fromkeys(sets)):
        mark = int.from_bytes(sha1(str(number).encode(), usedforsecurity=False).digest(), "big")
        for low, high in intervals:
            changes.setdefault(low, []).append(mark)
            if high + 1 < end:
                changes.setdefault(high + 1, []).append(-mark)
    starts: list[int] = []
    numbers: list[int] = []
    samples: list[int] = []
    class_of: dict[int, int] = {}
    signature = 0
    for start in sorted(changes):
        signature += sum(changes[start])
        number = class_of.get(signature, -1)
        if number < 0:
            number = class_of[signature] = len(samples)
            samples.append(start)
        if not numbers or numbers[-1] != number:
            starts.append(start)
            numbers.append(number)
    return Classes(family, tuple(starts), tuple(numbers), tuple(samples))
