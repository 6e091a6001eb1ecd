// As user.h, for what only reads and prints text: compiled with less optimisation (TEXT_OPT), so it
// needs its own; and nearly all of it has documents to print.
#include <nlohmann/json.hpp>

#include "user.h"
