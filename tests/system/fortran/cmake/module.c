#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "mangling.h"

void FORTRAN_area(const char *text, double *value, int *status, size_t length);

static PyObject *area(PyObject *self, PyObject *args)
{
    const char *text;
    Py_ssize_t length;
    double value;
    int status;

    if (!PyArg_ParseTuple(args, "s#", &text, &length))
        return NULL;
    FORTRAN_area(text, &value, &status, (size_t)length);
    if (status)
        return PyErr_Format(PyExc_ValueError, "not numbers: iostat %d", status);
    return PyFloat_FromDouble(value);
}

static PyMethodDef methods[] = {
    {"area", area, METH_VARARGS, "The area of a polygon: one corner a line."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "demo_fortran_cmake", NULL, -1, methods};

PyMODINIT_FUNC PyInit_demo_fortran_cmake(void) { return PyModule_Create(&module); }
