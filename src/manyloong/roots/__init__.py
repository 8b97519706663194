"""Build roots: spec -> lock -> tree, and the toolchain that carries the floor."""
