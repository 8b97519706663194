#include "made.h"

#include <cfloat>

int mantissa_of_the_library() { return LDBL_MANT_DIG; }
