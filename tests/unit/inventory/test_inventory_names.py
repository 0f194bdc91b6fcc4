"""Hosts and groups that a policy names."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nethygiene.inventory.naming import HostAddresses, addressed
from nethygiene.inventory.policy import Policy
from tests.unit.inventory.folder import Folder

TEXT = """
    all:
      children:
        web:
          hosts: {web-1: , web-2: }
          vars:
            nethygiene:
              upstreams:
                database: {to: db/pg, keepalive: required}
                first: {to: db-1/pg, address: 10.0.9.9}
                far: {address: 192.0.2.9, port: 443}
        db:
          hosts: {db-1: , db-2: }
          vars:
            nethygiene:
              services: {pg: {port: 5432, allow_from: [web, 10.9.0.0/16]}}
              upstreams: {peers: {to: db/pg}}
    """


def policies(folder: Folder, text: str = TEXT, limit: str | None = None) -> dict[str, Policy]:
    return {host.name: host.policy for host in folder.load(text, limit=limit).hosts}


def test_an_upstream_to_a_group_has_an_item_for_each_of_its_hosts(folder: Folder) -> None:
    web = policies(folder)["web-1"]
    assert list(web.upstreams) == ["database → db-1", "database → db-2", "first", "far"]
    upstream = web.upstreams["database → db-1"]
    assert upstream.name == "database → db-1"
    assert upstream.end is not None
    assert (upstream.end.host, upstream.dialled_port) == ("db-1", 5432)
    assert upstream.keepalive == "required"
    first = web.upstreams["first"]
    assert first.addresses == (ip_address("10.0.9.9"),)
    assert web.plain()["upstreams"] == {
        "database": {"to": "db/pg", "keepalive": "required"},
        "first": {"to": "db-1/pg", "address": "10.0.9.9"},
        "far": {"address": "192.0.2.9", "port": 443},
    }


def test_a_member_does_not_dial_itself(folder: Folder) -> None:
    found = policies(folder)
    assert list(found["db-1"].upstreams) == ["peers → db-2"]
    assert list(found["db-2"].upstreams) == ["peers → db-1"]


def test_hosts_of_the_same_groups_share_one_policy(folder: Folder) -> None:
    found = policies(folder)
    assert found["web-1"] is found["web-2"]


def test_named_hosts_outside_the_limit_are_read_beside_it(folder: Folder) -> None:
    inventory = folder.load(TEXT, limit="web-1")
    assert [host.name for host in inventory.hosts] == ["web-1"]
    assert [host.name for host in inventory.beside] == ["db-1", "db-2"]
    end = inventory.hosts[0].policy.upstreams["first"].end
    assert end is not None
    assert end.service is not None


def test_names_become_addresses(folder: Folder) -> None:
    inventory = folder.load(TEXT)
    db = next(host.policy for host in inventory.hosts if host.name == "db-1")
    known = {
        "web-1": HostAddresses((ip_address("10.0.1.1"), ip_address("2001:db8::1"))),
        "web-2": HostAddresses((), "web-2 was not read"),
        "db-1": HostAddresses(()),
        "db-2": HostAddresses((ip_address("10.0.3.2"),)),
    }
    found = addressed(db, inventory.directory, known)
    pg = found.services["pg"]
    assert list(map(str, pg.allow_from)) == ["10.0.1.1/32", "2001:db8::1/128", "10.9.0.0/16"]
    assert pg.doubts == ("web-2 was not read",)
    assert pg.doubtful_exceptions == ()
    assert found.upstreams["peers → db-2"].addresses == (ip_address("10.0.3.2"),)
    assert found.plain() == db.plain()


def test_a_service_that_some_member_does_not_declare(folder: Folder) -> None:
    text = TEXT.replace("db-2: }", "db-2: {nethygiene: {services: {pg: }}}}")
    problem = folder.problem(text.replace("peers: {to: db/pg}", "peers: {to: db-1/pg}"))
    assert problem.message == "db-2 declares no service 'pg'"
    assert problem.path.endswith("nethygiene.upstreams.database.to")
    assert problem.line == 8


def test_a_name_of_both_a_host_and_a_group(folder: Folder) -> None:
    text = TEXT.replace("hosts: {web-1: , web-2: }", "hosts: {web: , web-2: }")
    problem = folder.problem(text)
    assert problem.message == "'web' is both a host and a group"
    assert "rename" in problem.fix


@pytest.mark.parametrize("name", ["all", "db"])
def test_every_group_can_be_named(folder: Folder, name: str) -> None:
    text = TEXT.replace("allow_from: [web,", f"allow_from: [{name},")
    inventory = folder.load(text)
    assert set(inventory.directory.hosts[name]) >= {"db-1", "db-2"}


_SERVICES = "services: {pg:"
_SHARED = f"virtual_addresses: {{shared: {{address: 10.0.3.100}}}}\n              {_SERVICES}"
VIRTUAL = TEXT.replace(_SERVICES, _SHARED)


def held(folder: Folder, *holders: str, unread: str = "") -> Policy:
    """The policy of web-1, whose upstream is the shared address that these hosts hold."""
    inventory = folder.load(VIRTUAL.replace("to: db-1/pg, address: 10.0.9.9", "to: shared@db/pg"))
    shared = ip_address("10.0.3.100")
    known = {
        host: HostAddresses((shared,) if host in holders else (), f"{host}?" * (host == unread))
        for host in ("web-1", "web-2", "db-1", "db-2")
    }
    web = next(host.policy for host in inventory.hosts if host.name == "web-1")
    return addressed(web, inventory.directory, known)


def test_a_virtual_address_leads_to_the_member_that_holds_it(folder: Folder) -> None:
    upstream = held(folder, "db-2").upstreams["first"]
    assert upstream.end is not None
    assert (upstream.end.host, upstream.dialled_port) == ("db-2", 5432)
    assert upstream.addresses == (ip_address("10.0.3.100"),)
    assert upstream.doubts == ()
    assert held(folder, "db-2", unread="db-1").upstreams["first"].doubts == ("db-1?",)


@pytest.mark.parametrize(
    ("holders", "said"),
    [((), "no host of group db has 10.0.3.100"), (("db-1", "db-2"), "db-1 and db-2 have")],
)
def test_a_virtual_address_that_is_not_held_once(
    folder: Folder, holders: tuple[str, ...], said: str
) -> None:
    upstream = held(folder, *holders).upstreams["first"]
    assert upstream.end is not None
    assert upstream.end.host == ""
    assert said in upstream.doubts[0]


@pytest.mark.parametrize(
    ("to", "message", "fix"),
    [
        ("sharde@db/pg", "group db declares no virtual address 'sharde'", "mean 'shared'?"),
        ("shared@dbb/pg", "no host and no group is called 'dbb'", "mean 'db'?"),
        ("shared@db/pgg", "db-1 declares no service 'pgg'", "mean 'pg'?"),
    ],
)
def test_wrong_names_of_virtual_addresses(folder: Folder, to: str, message: str, fix: str) -> None:
    problem = folder.problems(VIRTUAL.replace("to: db-1/pg, address: 10.0.9.9", f"to: {to}"))[0]
    assert problem.message == message
    assert fix in problem.fix
    assert problem.line == 9
