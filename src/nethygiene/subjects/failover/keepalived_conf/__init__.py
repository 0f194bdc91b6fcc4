"""keepalived.conf: its files, lines and blocks, and the VRRP instances in them. Pure.

It follows keepalived.conf(5) and lib/parser.c of keepalived 2.2.7.
"""
