// As manager.h, for every test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "user.h"
