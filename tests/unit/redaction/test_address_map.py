"""Pseudonyms of addresses: one to one, prefixes and ranges kept, and of the same kind."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.redaction.addresses import AddressMap

FOUR, SIX = st.integers(0, 2**32 - 1), st.integers(0, 2**128 - 1)
ADDRESS = st.one_of(st.tuples(st.just(4), FOUR), st.tuples(st.just(6), SIX))
PAIR = st.one_of(st.tuples(st.just(4), FOUR, FOUR), st.tuples(st.just(6), SIX, SIX))
KEY = st.binary(min_size=32, max_size=32)
BITS = {4: 32, 6: 128}


@given(KEY, PAIR)
def test_equal_prefixes_stay_equal(key: bytes, pair: tuple[int, int, int]) -> None:
    version, one, two = pair
    mapped = AddressMap(key)
    a, b = mapped.address(version, one), mapped.address(version, two)
    assert (a ^ b).bit_length() == (one ^ two).bit_length()
    # Which also makes it one to one.


@given(KEY, PAIR, st.data())
def test_a_range_stays_one(key: bytes, pair: tuple[int, int, int], data: st.DataObject) -> None:
    version, low, high = pair[0], *sorted(pair[1:])
    mapped = AddressMap(key)
    mapped.learn(version, low, high)
    first, last = mapped.range(version, low, high)
    assert last - first == high - low
    ends = st.sampled_from(
        [n for n in (low, low - 1, high, high + 1) if 0 <= n < 2 ** BITS[version]]
    )
    number = data.draw(ends | st.integers(0, 2 ** BITS[version] - 1))
    assert (first <= mapped.address(version, number) <= last) == (low <= number <= high)


@given(KEY, ADDRESS, st.data())
def test_a_network_stays_one(key: bytes, one: tuple[int, int], data: st.DataObject) -> None:
    version, number = one
    length = data.draw(st.integers(0, BITS[version]))
    other = data.draw(st.integers(0, 2 ** BITS[version] - 1))
    shift = BITS[version] - length
    mapped = AddressMap(key)
    network = mapped.network(version, number, length)
    inside = mapped.address(version, other) >> shift == network >> shift
    assert inside == (other >> shift == number >> shift)
    assert network & ((1 << shift) - 1) == 0


@pytest.mark.parametrize(
    "network",
    [
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
        *("fe80::/64", "fd00::/8", "2000::/3", "64:ff9b::/96", "::ffff:10.0.0.0/104"),
    ],
)
@given(key=KEY, data=st.data())
def test_kinds_stay(network: str, key: bytes, data: st.DataObject) -> None:
    kind = ip_network(network)
    number = int(kind[data.draw(st.integers(0, kind.num_addresses - 1))])
    mapped = type(kind.network_address)(AddressMap(key).address(kind.version, number))
    assert mapped in kind


@pytest.mark.parametrize(
    "text", ["0.0.0.0", "127.0.0.53", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"]
)
def test_what_every_host_has_stays(text: str) -> None:
    address = ip_address(text)
    assert AddressMap(b"k").address(address.version, int(address)) == int(address)


def test_a_mapped_address_is_that_of_its_own() -> None:
    mapped = AddressMap(b"k")
    four = int(ip_address("192.0.2.7"))
    assert mapped.address(6, 0xFFFF << 32 | four) == 0xFFFF << 32 | mapped.address(4, four)


def test_the_key_decides() -> None:
    numbers = [int(ip_address("198.51.100.0")) + n for n in range(64)]
    one, two = ([AddressMap(key).address(4, n) for n in numbers] for key in (b"a" * 32, b"b" * 32))
    assert not set(one) & set(two)
    assert not set(one) & set(numbers)
