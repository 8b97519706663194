"""What each part of the package computes, against NumPy."""

import demo_f2py as d
import numpy as np

m = np.random.default_rng(1).random((30, 30))
b = m @ np.arange(30.0)
a, x = np.asfortranarray(m), b.copy()
assert d.numbers.solve(a, x) == 0
assert np.allclose(x, np.arange(30.0)), x
assert d.numbers.solve(np.zeros((2, 2), order="F"), np.ones(2)) == 1
assert d.numbers.digits(2).strip() == b"1.41421356237309504880168872420970", d.numbers.digits(2)
c = np.asfortranarray(m + 1j * m.T)
assert np.allclose(d.numbers.product_of(c, c), c @ c)
assert d.through_old(np.arange(1000.0)) == 499500
