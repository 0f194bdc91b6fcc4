"""The table: every way in which a connection can fail, and what the audit makes of it."""

from __future__ import annotations

from tests.lab.connections.faults import login, network, session, trust
from tests.lab.connections.faults.fault import Fault

TABLE: tuple[Fault, ...] = (*network.FAULTS, *trust.FAULTS, *login.FAULTS, *session.FAULTS)
