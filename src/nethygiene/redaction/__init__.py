"""Redacted evidence: addresses and names replaced one to one, so that rules still judge alike."""

from nethygiene.redaction.hosts import redact

__all__ = ["redact"]
