# cython: language_level=3
"""C++ through Cython: an exception of libstdc++ becomes Python's."""
from libcpp.string cimport string
from libcpp.vector cimport vector

cdef extern from "<cfloat>":
    int LDBL_MANT_DIG


def facts():
    cdef vector[string] words
    words.push_back(b"one")
    caught = 0
    try:
        words.at(3)
    except IndexError:
        caught = 1
    return {"mantissa": LDBL_MANT_DIG, "caught": caught}
