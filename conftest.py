"""Clone mode: loads the plugin, nothing else."""

pytest_plugins = ["nethygiene.plugin"]
