// Runs the scenarios of tests/golden/schedule: a cluster of our own, and the plan that we want.
//
// A scenario is a file: lines with '#' that say what it is about, a CIB, a line "--- plan", and the
// plan: a line an action, and beneath it what it waits for. XBEAT_GOLDEN=write writes the plans
// anew; a changed plan is a claim about behaviour.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "cib/xml.h"
#include "core/text.h"
#include "schedule/schedule.h"

namespace xbeat::schedule {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlanMark = "--- plan\n";
constexpr EpochSeconds kNow{1'800'000'000};

fs::path folder() { return fs::path(__FILE__).parent_path() / "../../golden/schedule"; }

std::string read_whole(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string name_of(const Action& action) {
    std::string out = action.internal_key.empty() ? action.key : action.internal_key;
    if (!action.node.empty()) out += concat(" on ", action.node);
    if (action.kind == ActionKind::Cluster) out += " (cluster)";
    return out;
}

// The actions by name, not by number: how they are numbered is nobody's business.
std::string text_of(const Plan& plan) {
    std::vector<std::string> lines;
    for (const Action& action : plan.actions) {
        std::vector<std::string> inputs;
        for (const std::uint32_t input : action.inputs) {
            inputs.push_back(name_of(plan.actions[input]));
        }
        std::sort(inputs.begin(), inputs.end());
        std::string line = name_of(action);
        if (!action.router_node.empty()) line += concat(" via ", action.router_node);
        line += '\n';
        for (const std::string& input : inputs) line += concat("    after ", input, '\n');
        lines.push_back(std::move(line));
    }
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& line : lines) out += line;
    return out.empty() ? "nothing\n" : out;
}

std::vector<fs::path> scenarios() {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder())) {
        if (entry.path().extension() == ".txt") out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

TEST(GoldenSchedule, EveryScenarioGivesThePlanThatIsWritten) {
    const bool writes = std::getenv("XBEAT_GOLDEN") != nullptr;
    const std::vector<fs::path> files = scenarios();
    ASSERT_FALSE(files.empty());
    for (const fs::path& file : files) {
        const std::string text = read_whole(file);
        const std::size_t begin = text.find("<cib");
        const std::size_t mark = text.find(kPlanMark);
        ASSERT_NE(begin, std::string::npos) << file << " has no <cib>";
        ASSERT_NE(mark, std::string::npos) << file << " has no line '--- plan'";
        const Result<cib::Element> cib =
            cib::parse_xml(std::string_view(text).substr(begin, mark - begin));
        ASSERT_TRUE(cib) << file << ": " << cib.error().context;

        const Plan plan = schedule(*cib, {.now = effective_time(*cib, kNow)});

        const std::string wanted = text.substr(mark + kPlanMark.size());
        if (writes) {
            std::ofstream(file) << text.substr(0, mark + kPlanMark.size()) << text_of(plan);
        } else {
            EXPECT_EQ(text_of(plan), wanted) << file;
        }
    }
}

}  // namespace
}  // namespace xbeat::schedule
