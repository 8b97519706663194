"""Builds described for other tools: cibuildwheel's table and variables, and jobs of CI services."""
