"""The shelf of interfaces, addresses and routes."""
