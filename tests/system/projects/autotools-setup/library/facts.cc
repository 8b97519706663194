#include "config.h"

#include "made.h"

int mantissa_of_the_library() { return DIGITS; }
