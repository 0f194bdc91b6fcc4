"""Ansible's host patterns."""

from __future__ import annotations

import pytest

from tests.unit.inventory.folder import Folder

TEXT = """
    all:
      hosts: {bastion.example: , "2001:db8::1": }
      children:
        web: {hosts: {"web[1:3]": }}
        db: {hosts: {db1: , web3: }}
        stage: {children: {db: }}
        empty:
    """


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        ("web", "web1 web2 web3"),
        ("db1", "db1"),
        ("all", "bastion.example 2001:db8::1 web1 web2 web3 db1"),
        ("*", "bastion.example 2001:db8::1 web1 web2 web3 db1"),
        ("ungrouped", "bastion.example 2001:db8::1"),
        ("stage", "web3 db1"),
        ("db1,web1", "web1 db1"),
        ("db1:web1", "web1 db1"),
        (" db1 , web1 ", "web1 db1"),
        ("web*", "web1 web2 web3"),
        ("web?", "web1 web2 web3"),
        ("web[12]", ""),
        ("*.example", "bastion.example"),
        ("web:&db", "web3"),
        ("web:!db", "web1 web2"),
        ("!web", "bastion.example 2001:db8::1 db1"),
        ("&web", "web1 web2 web3"),
        ("!db1:web,db", ""),
        ("!web3,web,db", "web1 web2 db1"),
        ("2001:db8::1", "2001:db8::1"),
        ("!2001:db8::1", "bastion.example web1 web2 web3 db1"),
        ("~web[12]", "web1 web2"),
        ("~(web|db)1", "web1 db1"),
        ("web[0]", "web1"),
        ("web[-1]", "web3"),
        ("web[0:1]", "web1 web2"),
        ("web[1:]", "web2 web3"),
        ("web[0:1],db", "web1 web2 web3 db1"),
    ],
)
def test_patterns(folder: Folder, limit: str, names: str) -> None:
    if names:
        inventory = folder.load(TEXT, limit=limit)
        assert " ".join(host.name for host in inventory.hosts) == names
    else:
        assert folder.problems(TEXT, limit=limit)


@pytest.mark.parametrize(
    ("limit", "message", "fix"),
    [
        ("wbe", "pattern 'wbe' matches no host and no group", "did you mean 'web'?"),
        ("all:!dbs", "pattern 'dbs' matches no host", "did you mean 'db'?"),
        ("web,xyzzy", "pattern 'xyzzy' matches", "the groups are all, web"),
        ("empty", "'empty' leaves no host", "leaves some host"),
        ("web:!all", "leaves no host", "leaves some host"),
        ("", "'' leaves no host", "leaves some host"),
        (",", "',' leaves no host", "leaves some host"),
        ("!", "'!' leaves no host", "leaves some host"),
        ("web[7]", "matches no host", "did you mean 'web'?"),
        ("~(", "is no regular expression", "correct it"),
        ("@/nowhere", "cannot be read: No such file", "check the path"),
        ("@/", "cannot be read: Is a directory", "check the path"),
        ("@a\0b", "cannot be read", "check the path"),
    ],
)
def test_limits_that_select_nothing(folder: Folder, limit: str, message: str, fix: str) -> None:
    (problem,) = folder.problems(TEXT, limit=limit)
    assert problem.file == "--limit"
    assert message in problem.message
    assert fix in problem.fix


def test_every_pattern_that_matches_nothing_is_told(folder: Folder) -> None:
    assert len(folder.problems(TEXT, limit="x1,web,x2,!x3")) == 3


def test_a_file_of_patterns(folder: Folder) -> None:
    retry = folder.write("failed.retry", "db1\n\n# web1\nweb2\n")
    assert [host.name for host in folder.load(TEXT, limit=f"@{retry}").hosts] == ["web2", "db1"]
