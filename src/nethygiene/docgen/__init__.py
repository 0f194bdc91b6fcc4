"""Documentation made from the code: the rules' pages, the probes' page, schemas, sudoers sample.

``python -m nethygiene.docgen`` writes the files into the clone; ``--check`` names files that are
out of step.
"""

from nethygiene.docgen.generated import generated_files, out_of_step, write

__all__ = ["generated_files", "out_of_step", "write"]
