"""Programs that import cibuildwheel; each is a process of its own."""
