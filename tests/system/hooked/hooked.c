#include <Python.h>
#include <answer.h>
static PyObject*f(PyObject*s,PyObject*a){return PyLong_FromLong(ANSWER);}
static PyMethodDef m[]={{"answer",f,METH_NOARGS,0},{0}};
static struct PyModuleDef d={PyModuleDef_HEAD_INIT,"hooked",0,-1,m};
PyMODINIT_FUNC PyInit_hooked(void){return PyModule_Create(&d);}
