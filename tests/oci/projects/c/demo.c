#include <Python.h>
#include <math.h>

static PyObject *root(PyObject *self, PyObject *number) {
  const double value = PyFloat_AsDouble(number);
  (void)self;
  return PyErr_Occurred() ? NULL : PyFloat_FromDouble(sqrt(value));
}

static PyMethodDef methods[] = {{"root", root, METH_O, "Its square root."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "demo_c", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_demo_c(void) { return PyModule_Create(&module); }
