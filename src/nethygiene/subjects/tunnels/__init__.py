"""The shelf of tunnels over ssh, and what ssh makes of its files."""
