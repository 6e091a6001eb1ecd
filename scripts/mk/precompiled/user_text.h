// As user.h, for what only reads and prints text: compiled with less optimisation (TEXT_OPT), so it
// needs its own.
#include "user.h"
