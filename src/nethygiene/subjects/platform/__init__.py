"""The shelf of the platform: SELinux and NetworkManager."""
