"""Documentation made from the code: the rules' pages, the probes' page, schemas, sudoers sample.

``python -m nethygiene.docs`` writes the files into the clone, ``--check`` tells which are out of
step.
"""

from nethygiene.docs.generated import generated_files, out_of_step, write

__all__ = ["generated_files", "out_of_step", "write"]
