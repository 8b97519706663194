#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <omp.h>

void fortran_squares(long count, long threads, long *total, long *seen);

/* By gfortran's calls of the runtime, and by clang's: both share its threads. */
static PyObject *by_fortran(PyObject *self, PyObject *args)
{
    long count, threads, total, seen;

    if (!PyArg_ParseTuple(args, "ll", &count, &threads))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    fortran_squares(count, threads, &total, &seen);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("ll", total, seen);
}

static PyObject *by_c(PyObject *self, PyObject *args)
{
    long count, threads, seen = 0, total = 0;

    if (!PyArg_ParseTuple(args, "ll", &count, &threads))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
#pragma omp parallel num_threads(threads) reduction(+ : total)
    {
#pragma omp single
        seen = omp_get_num_threads();
#pragma omp for
        for (long n = 0; n < count; n++)
            total += n * n;
    }
    Py_END_ALLOW_THREADS
    return Py_BuildValue("ll", total, seen);
}

static PyMethodDef methods[] = {
    {"by_fortran", by_fortran, METH_VARARGS, "The sum, and the number of threads."},
    {"by_c", by_c, METH_VARARGS, "The sum, and the number of threads."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "demo_fortran_openmp", NULL, -1, methods};

PyMODINIT_FUNC PyInit_demo_fortran_openmp(void) { return PyModule_Create(&module); }
