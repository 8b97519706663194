#include <cfloat>
#define MADE_ON "nowhere"
