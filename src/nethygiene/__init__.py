"""nethygiene: network-hygiene rules as pytest checks, with verdicts that can be trusted.

Data flows one way through the package::

    inventory -> collect (transport, probes) -> transcript -> facts -> rules -> results -> report

Rule authors import from :mod:`nethygiene.rules` alone.

The command line imports this before pytest runs, which would warn that it is too late for
assertions here to be rewritten: PYTEST_DONT_REWRITE
"""

__version__ = "0.1.0"
