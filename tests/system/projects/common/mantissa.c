/* A configure check: its exit code is a fact of the machine that the wheel is for. */
#include <float.h>

int main(void) { return LDBL_MANT_DIG; }
