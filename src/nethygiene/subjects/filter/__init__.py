"""The shelf of the packet filter: what it lets in, and where NAT takes it."""
