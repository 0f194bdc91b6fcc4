"""What ssh makes of its arguments, its configuration and known_hosts: pure, no host is asked."""
