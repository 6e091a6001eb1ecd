// Stage 3c: the outcome of one recorded operation: success, expected, ignored, expired or failed.
#pragma once

#include "schedule/history.h"
#include "schedule/world.h"

namespace xbeat::schedule {

/// What is known while the records of one resource on one node are read, oldest first.
struct Judge {
    World& world;
    Resource& resource;
    Node& node;
    OnFail on_fail = OnFail::Ignore;  // the strongest reaction still wanted
    std::optional<Recorded> last_failure;
    std::vector<std::string_view> recurring{};  // keys of the recurring operations read so far
};

void judge_record(Judge& judge, const Recorded& record);

}  // namespace xbeat::schedule
