"""The subjects, one shelf each: probes, facts, and the logic that rules about them share.

A module that has a PROBE or a FINDER is found by its name: the argument by which rules ask for it.
"""
