"""Locks of the roots, and the keys that sign the indexes they come from. Data only."""
