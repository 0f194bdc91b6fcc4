"""Typed, frozen facts about a host, and the ledger that records how a rule reads them."""
