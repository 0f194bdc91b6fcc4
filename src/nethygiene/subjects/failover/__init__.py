"""Addresses that move between the members of a group, and the daemons that move them."""
