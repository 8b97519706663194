"""Areas, and the error that Fortran's own input reports."""

import demo_fortran_cmake as d

assert d.area("0 0\n4 0\n4 3\n") == 6
assert d.area("0 0\n1D0 0\n1. 1E0\n  0,1\n") == 1
said = ""
try:
    d.area("0 zero\n")
except ValueError as error:
    said = str(error)
assert "iostat" in said
