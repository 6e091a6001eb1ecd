#include "cli/plan_input.h"

#include <chrono>

#include "cib/upgrade.h"
#include "cli/change.h"
#include "core/text.h"
#include "rules/calendar.h"
#include "schedule/schedule.h"

namespace xbeat::cli {

Result<cib::Element> read_cib(Session& session, const std::string& file) {
    if (file.empty()) return fetch_cib(session);
    const std::string text = XB_TRY(read_input(session, file));
    std::string_view body = text;
    // The declaration carries nothing that the parser needs.
    if (body.starts_with("<?xml")) {
        const std::size_t end = body.find("?>");
        if (end != std::string_view::npos) body.remove_prefix(end + 2);
    }
    Result<cib::Element> cib = cib::parse_xml(body);
    if (!cib) {
        return Error{.code = cib.error().code, .context = concat(file, ": ", cib.error().context)};
    }
    if (cib->name != "cib") {
        return Error{.code = Code::Invalid,
                     .context = concat(file, ": the document is a <", cib->name, ">, not a <cib>")};
    }
    static_cast<void>(cib::upgrade(*cib));
    return cib;
}

Result<EpochSeconds> plan_time(const std::string& text, const cib::Element& cib) {
    if (text.empty()) {
        const auto clock = std::chrono::system_clock::now().time_since_epoch();
        return schedule::effective_time(
            cib, EpochSeconds{std::chrono::duration_cast<std::chrono::seconds>(clock).count()});
    }
    const auto when = rules::parse_time(text);
    if (!when) {
        return Error{
            .code = Code::Invalid,
            .context = concat("--now ", text, " is no ISO 8601 date; write 2026-11-22T14:00:00Z")};
    }
    return *when;
}

}  // namespace xbeat::cli
