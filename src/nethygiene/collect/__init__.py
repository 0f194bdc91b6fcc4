"""Collecting: from targets to transcripts, in one round trip a host."""

from nethygiene.collect.fleet import collect_fleet
from nethygiene.collect.host import Job, collect_host

__all__ = ["Job", "collect_fleet", "collect_host"]
