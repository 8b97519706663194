#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <omp.h>

/* The sum of the first squares, by as many threads as asked for, and how many there really were. */
static PyObject *sum_of_squares(PyObject *self, PyObject *args)
{
    long count, threads, seen = 0, sum = 0;

    if (!PyArg_ParseTuple(args, "ll", &count, &threads))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    {
#pragma omp single
        seen = omp_get_num_threads();
#pragma omp for schedule(dynamic, 16)
        for (long n = 0; n < count; n++)
            sum += n * n;
    }
    Py_END_ALLOW_THREADS
    return Py_BuildValue("ll", sum, seen);
}

static PyMethodDef methods[] = {
    {"sum_of_squares", sum_of_squares, METH_VARARGS, "The sum, and the number of threads."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "demo_openmp", NULL, -1, methods};

PyMODINIT_FUNC PyInit_demo_openmp(void) { return PyModule_Create(&module); }
