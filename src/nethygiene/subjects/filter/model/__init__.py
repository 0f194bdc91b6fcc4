"""A model of a host's packet filter: the fate of a new TCP connection.

The model is pure: it reads texts of nft, iptables-save, ipset and ip, and returns verdicts. It is
three-valued (see `matches`): a condition that the texts do not decide is a doubt, and counts only
if it can change a verdict.
"""
