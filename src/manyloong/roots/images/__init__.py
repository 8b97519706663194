"""Container images of roots: what is in them, and how they are written and sent."""
