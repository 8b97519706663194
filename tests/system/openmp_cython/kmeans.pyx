# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""One step of k-means as scikit-learn writes it: threads over the points, a sum over the threads."""
cimport openmp
from cython.parallel cimport parallel, prange


def assign(const double[::1] points, const double[::1] centres, int size, int[::1] labels, int threads):
    """Label each point with its nearest centre: the sum of squared distances, and how many threads there were."""
    cdef Py_ssize_t count = points.shape[0] // size
    cdef Py_ssize_t number
    cdef double inertia = 0
    cdef int seen[1]  # a name that threads assign to would be each thread's own
    seen[0] = 0
    with nogil, parallel(num_threads=threads):
        seen[0] = openmp.omp_get_num_threads()
        for number in prange(count, schedule="static"):
            inertia += nearest(&points[number * size], centres, size, &labels[number])
    return inertia, seen[0]


cdef double nearest(const double *point, const double[::1] centres, int size, int *label) noexcept nogil:
    cdef Py_ssize_t centre, part
    cdef double distance, least = -1
    for centre in range(centres.shape[0] // size):
        distance = 0
        for part in range(size):
            distance += (point[part] - centres[centre * size + part]) ** 2
        if least < 0 or distance < least:
            least = distance
            label[0] = <int>centre
    return least
