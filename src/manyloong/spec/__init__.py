"""The ABI specification: explain, compare, render."""
