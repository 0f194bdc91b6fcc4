"""The ways of connections between hosts: what every host on the way does with them."""
