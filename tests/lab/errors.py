"""What can go wrong with the lab itself, as against what a test finds."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do what a test asked of it; the text says what and why."""
