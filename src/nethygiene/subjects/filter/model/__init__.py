"""A model of a host's packet filter: what becomes of a new TCP connection.

Pure: texts of nft, iptables-save, ipset and ip go in, verdicts come out. Three-valued to the end:
what cannot be decided from the texts is a doubt, and counts only where it can change a verdict.
"""
