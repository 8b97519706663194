"""Identifiers, sources, the cross environment, PEP 517 build, repair and test."""
