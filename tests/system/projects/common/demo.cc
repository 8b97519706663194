// The extension module of most projects: what the build found out, and C++ that throws.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <map>
#include <stdexcept>
#include <string>

#include "made.h"

#ifndef MANTISSA
#error the configure check did not run
#endif

static PyObject *facts(PyObject *, PyObject *) {
  std::map<std::string, int> table{{"mantissa", MANTISSA}};
  int caught = 0;
  try {
    table.at("absent");
  } catch (const std::out_of_range &) {
    caught = 1;
  }
  return Py_BuildValue("{s:i,s:i,s:s}", "mantissa", table.at("mantissa"), "caught", caught, "made_on", MADE_ON);
}

static PyMethodDef methods[] = {{"facts", facts, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "demo", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_demo(void) { return PyModule_Create(&definition); }
