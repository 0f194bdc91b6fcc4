"""The shelf of sysctls and counters: what the kernel is set to, and what it has counted."""
