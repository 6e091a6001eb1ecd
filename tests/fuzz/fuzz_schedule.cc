// Any bytes as a CIB: read, upgraded, checked, and planned. The plan must be sound: inputs in order
// and within it, the same twice. What validation refuses is planned as well, since a status section
// may say anything: a plan for nonsense may be nonsense, but there has to be one.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cib/upgrade.h"
#include "cib/validate.h"
#include "core/check.h"
#include "schedule/explanation.h"
#include "schedule/schedule.h"

using namespace xbeat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.starts_with("<?xml")) {
        const std::size_t end = text.find("?>");
        if (end != std::string_view::npos) text.remove_prefix(end + 2);
    }
    cib::Element root;
    {
        Result<cib::Element> read = cib::parse_xml(text);
        if (!read || read->name != "cib") return 0;
        root = std::move(*read);
    }
    (void)cib::upgrade(root);
    (void)cib::validate(root);

    schedule::Explanation explanation;
    schedule::Options options{.now = schedule::effective_time(root, EpochSeconds{1'800'000'000}),
                              .record_scores = true,
                              .explanation = &explanation};
    const schedule::Plan plan = schedule::schedule(root, options);
    for (const schedule::Action& action : plan.actions) {
        XB_CHECK(std::is_sorted(action.inputs.begin(), action.inputs.end()));
        XB_CHECK(action.inputs.empty() || action.inputs.back() < plan.actions.size());
    }
    options.explanation = nullptr;
    const schedule::Plan again = schedule::schedule(root, options);
    XB_CHECK(schedule::print_graph(again) == schedule::print_graph(plan));
    (void)schedule::observe(root, options);
    return 0;
}
