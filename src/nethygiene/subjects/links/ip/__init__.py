"""The one reader of ``ip``: links, addresses, routes and routing rules; pure.

The text rather than ``-j``: iproute2 has JSON since 4.13 only, and busybox's ip has none; the
words are the same on all of them. With ``-o`` a backslash stands where ip would break a line.

What a listing means is left to those that ask: the probes of interfaces and routes, and the
packet filter.
"""
