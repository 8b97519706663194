from _demo import ffi, lib


def facts():
    return {
        "mantissa": lib.LDBL_MANT_DIG,
        "caught": ffi.sizeof("shape") // 32,
        "last": lib.last(ffi.new("shape *")),
    }
