"""Labels and sums are the same by one thread and by four."""

import array

import kmeans

SIDE = 300
points = array.array("d", [value for x in range(SIDE) for y in (0.25, 9.5) for value in (x, y)])
centres = array.array("d", [0, 0, SIDE, 10])
want = array.array(
    "i", [int((x - SIDE) ** 2 + (y - 10) ** 2 < x**2 + y**2) for x in range(SIDE) for y in (0.25, 9.5)]
)
sums = []
for threads in (1, 4):
    labels = array.array("i", bytes(4 * len(want)))
    inertia, seen = kmeans.assign(points, centres, 2, labels, threads)
    assert seen == threads, (seen, threads)
    assert labels == want
    sums.append(inertia)
exact = sum(min(x**2 + y**2, (x - SIDE) ** 2 + (y - 10) ** 2) for x in range(SIDE) for y in (0.25, 9.5))
assert all(abs(inertia - exact) < 1e-6 * exact for inertia in sums), (sums, exact)
