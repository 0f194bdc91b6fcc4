"""JSON Schemas that ship with the package.

``results.schema.json`` describes the file that ``--results`` writes; it is generated from
:mod:`nethygiene.engine.results` by ``make docs``. To read it from an installed copy::

    from importlib.resources import files
    files("nethygiene.schemas").joinpath("results.schema.json").read_text(encoding="utf-8")
"""
