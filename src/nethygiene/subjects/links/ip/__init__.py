"""The only reader of ``ip``: pure parsers of links, addresses, routes and routing rules.

It reads text, not ``-j``: iproute2 has JSON only since 4.13, and busybox's ip has none. The words
are the same in all of them. With ``-o``, ip writes a backslash where it would break a line.

The callers decide what a listing means: the probes of interfaces and routes, and the packet filter.
"""
