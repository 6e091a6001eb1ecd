// As manager.h, for every file of user/.
#include <fmt/format.h>

#include "manager.h"
