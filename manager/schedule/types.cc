#include "schedule/types.h"

#include <array>
#include <utility>

#include "core/text.h"

namespace xbeat::schedule {
namespace {

constexpr std::array<std::pair<Task, std::string_view>, 19> kTaskNames{{
    {Task::Monitor, "monitor"},
    {Task::Start, "start"},
    {Task::Started, "running"},
    {Task::Stop, "stop"},
    {Task::Stopped, "stopped"},
    {Task::Promote, "promote"},
    {Task::Promoted, "promoted"},
    {Task::Demote, "demote"},
    {Task::Demoted, "demoted"},
    {Task::Notify, "notify"},
    {Task::Notified, "notified"},
    {Task::MigrateTo, "migrate_to"},
    {Task::MigrateFrom, "migrate_from"},
    {Task::ReloadAgent, "reload-agent"},
    {Task::Cancel, "cancel"},
    {Task::Delete, "delete"},
    {Task::ClearFailCount, "clear_failcount"},
    {Task::Fence, "stonith"},
    {Task::Shutdown, "do_shutdown"},
}};

}  // namespace

Role parse_role(std::string_view text) {
    if (equals_ignoring_case(text, "Stopped")) return Role::Stopped;
    if (equals_ignoring_case(text, "Started")) return Role::Started;
    if (equals_ignoring_case(text, "Unpromoted") || equals_ignoring_case(text, "Slave")) {
        return Role::Unpromoted;
    }
    if (equals_ignoring_case(text, "Promoted") || equals_ignoring_case(text, "Master")) {
        return Role::Promoted;
    }
    return Role::Unknown;
}

std::string_view to_string(Role role) {
    switch (role) {
        case Role::Unknown:
            return "Unknown";
        case Role::Stopped:
            return "Stopped";
        case Role::Started:
            return "Started";
        case Role::Unpromoted:
            return "Unpromoted";
        case Role::Promoted:
            return "Promoted";
    }
    return "Unknown";
}

Task parse_task(std::string_view text) {
    for (const auto& [task, name] : kTaskNames) {
        if (name == text) return task;
    }
    if (text == "started") return Task::Started;
    if (text == "status") return Task::Monitor;
    if (text == "reload") return Task::ReloadAgent;
    return Task::None;
}

std::string_view to_string(Task task) {
    for (const auto& [known, name] : kTaskNames) {
        if (known == task) return name;
    }
    return "";
}

Task completion_of(Task task) {
    switch (task) {
        case Task::Start:
            return Task::Started;
        case Task::Stop:
            return Task::Stopped;
        case Task::Promote:
            return Task::Promoted;
        case Task::Demote:
            return Task::Demoted;
        case Task::Notify:
            return Task::Notified;
        default:
            return Task::None;
    }
}

}  // namespace xbeat::schedule
