// Compiled once and put in front of every file of manager/: reading these is half of the time that
// a file takes. A file still includes what it uses (the fuzz targets and `make PCH=` compile
// without this). Nothing of ours belongs here.
#include <algorithm>
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
