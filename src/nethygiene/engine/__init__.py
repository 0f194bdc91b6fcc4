"""The engine plans, collects, judges and records an audit. It does not depend on pytest.

Data flows one way: :mod:`plan` (inventory and evidence), :mod:`unit` (a rule for a host or a
group), :mod:`collecting` (answers of hosts), :mod:`judging` (answers to verdicts), :mod:`audit`
(all of it, and the run that reports read).
"""
