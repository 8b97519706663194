#include <Python.h>

#include <algorithm>
#include <exception>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

static PyObject *words(PyObject *, PyObject *text) {
  const char *const data = PyUnicode_AsUTF8(text);
  if (data == nullptr) return nullptr;
  try {
    std::map<std::string, int> counts;
    const std::string line(data);
    const std::regex word("[a-z]+");
    for (std::sregex_iterator it(line.begin(), line.end(), word), end; it != end; ++it) counts.at(it->str())++;
  } catch (const std::out_of_range &) {
    std::istringstream stream(data);
    std::vector<std::string> all;
    for (std::string one; stream >> one;) all.push_back(one);
    std::sort(all.begin(), all.end());
    std::string joined;
    for (const auto &one : all) joined += one;
    return PyUnicode_FromString(joined.c_str());
  }
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"words", words, METH_O, "Sorted words in one."}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "demo_cxx", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit_demo_cxx() { return PyModule_Create(&module); }
