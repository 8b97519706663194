"""Files that run inside a sandbox, in the root's Pythons: standard library only."""
