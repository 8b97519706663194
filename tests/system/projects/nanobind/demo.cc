#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>

#include <cfloat>

NB_MODULE(demo, module) {
  module.def("facts", [] {
    int caught = 0;
    try {
      nanobind::module_::import_("json").attr("loads")("{");
    } catch (const nanobind::python_error &) {
      caught = 1;
    }
    return std::map<std::string, int>{{"mantissa", LDBL_MANT_DIG}, {"caught", caught}};
  });
}
