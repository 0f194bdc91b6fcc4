"""nethygiene: network-hygiene rules as pytest checks, with verdicts that can be trusted.

Data flows one way through the package::

    inventory -> collect (transport, probes) -> transcript -> facts -> rules -> results -> report

Rule authors import from :mod:`nethygiene.rules` alone.
"""

__version__ = "0.1.0"
