#include <float.h>

int mantissa_of_long_double(void) { return LDBL_MANT_DIG; }
