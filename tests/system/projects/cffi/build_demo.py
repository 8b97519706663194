"""API mode: the C compiler fills in what the declaration leaves open."""

from cffi import FFI

ffi = FFI()
ffi.cdef("#define LDBL_MANT_DIG ...\ntypedef struct { int first; ...; } shape;\nint last(shape *s);")
ffi.set_source(
    "_demo",
    """#include <float.h>
typedef struct { long double wide; int first; int second; } shape;
static int last(shape *s) { return s->second; }""",
)
