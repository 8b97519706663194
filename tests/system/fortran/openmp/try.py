"""The same sum by one thread and by four, in each language."""

import demo_fortran_openmp as d

for call in (d.by_fortran, d.by_c, d.by_fortran):
    for threads in (1, 4):
        assert call(1000, threads) == (332833500, threads), (call, call(1000, threads))
