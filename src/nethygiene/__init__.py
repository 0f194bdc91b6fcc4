"""nethygiene: network-hygiene rules as pytest checks, with verdicts that can be trusted.

Data flows one way through the package::

    inventory -> collect (transport, probes) -> transcript -> facts -> rules -> results -> report

Rule authors import :mod:`nethygiene.rules` and the facts of their subject.

The command line imports this package before pytest runs. The last word here keeps pytest from a
warning that it cannot rewrite assertions in it: PYTEST_DONT_REWRITE
"""

__version__ = "0.1.0"
