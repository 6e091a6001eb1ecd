// The digests of many plans: `plans FILE|FOLDER...` prints a line for each CIB, its name and the
// digest of graph and scores.
//
// Each is planned twice, and once more with everything turned round whose order means nothing; one
// that gives another plan is named, and the exit status is 1. `make identical` builds the program
// with two compilers at two levels of optimisation; all of them must print the same. It is linked
// from manager/ alone. A file may be a scenario of tests/golden: what stands before the <cib> and
// from "--- plan" on is left out.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "cib/xml.h"
#include "core/text.h"
#include "model/md5.h"
#include "schedule/schedule.h"

namespace {

namespace fs = std::filesystem;
using namespace xbeat;

std::string read_cib(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    std::string out = text.str();
    const std::size_t begin = out.find("<cib");
    out.erase(0, begin == std::string::npos ? out.size() : begin);
    const std::size_t mark = out.find("--- plan\n");
    return mark == std::string::npos ? out : out.substr(0, mark);
}

std::string digest_of(const cib::Element& cib) {
    const EpochSeconds now = schedule::effective_time(cib, EpochSeconds{1'782'864'000});
    const schedule::Plan plan = schedule::schedule(cib, {.now = now, .record_scores = true});
    std::string text = schedule::print_graph(plan);
    std::vector<std::string> scores = plan.scores;
    std::sort(scores.begin(), scores.end());
    for (const std::string& line : scores) text += line + '\n';
    return model::md5_hex(text);
}

// Of two pairs with one name the first counts.
bool has_name_twice(const cib::Element& set) {
    std::vector<std::string_view> names;
    for (const cib::Element& child : set.children) {
        if (child.name == "nvpair") names.push_back(child.get("name"));
    }
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// The same CIB, where order has no meaning the other way round: attributes, nodes, the pairs of a
// set, the records of a history.
cib::Element turned(cib::Element element) {
    constexpr std::string_view kUnordered[] = {
        "nodes",           "node_state",           "instance_attributes",
        "meta_attributes", "cluster_property_set", "utilization",
        "lrm_resource"};
    std::reverse(element.attributes.begin(), element.attributes.end());
    for (cib::Element& child : element.children) child = turned(std::move(child));
    const bool is_free = std::find(std::begin(kUnordered), std::end(kUnordered), element.name) !=
                         std::end(kUnordered);
    if (is_free && !has_name_twice(element)) {
        std::reverse(element.children.begin(), element.children.end());
    }
    return element;
}

void add(const fs::path& path, std::vector<fs::path>& out) {
    if (!fs::is_directory(path)) {
        out.push_back(path);
        return;
    }
    for (const auto& entry : fs::directory_iterator(path)) {
        const std::string kind = entry.path().extension();
        if (kind == ".xml" || kind == ".txt") out.push_back(entry.path());
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<fs::path> files;
    for (int at = 1; at < argc; ++at) add(argv[at], files);
    std::sort(files.begin(), files.end());
    if (files.empty()) {
        std::fprintf(stderr, "plans: no CIB is named\n");
        return 2;
    }
    int differing = 0;
    for (const fs::path& file : files) {
        const Result<cib::Element> cib = cib::parse_xml(read_cib(file));
        if (!cib) {
            std::fprintf(stderr, "%s: %s\n", file.c_str(), cib.error().context.c_str());
            return 1;
        }
        const std::string digest = digest_of(*cib);
        if (digest_of(*cib) != digest) {
            std::fprintf(stderr, "%s: two plans for one CIB\n", file.c_str());
            return 1;
        }
        if (digest_of(turned(*cib)) != digest) {
            std::fprintf(stderr, "%s: another plan in another order\n", file.c_str());
            ++differing;
        }
        std::printf("%s %s\n", file.filename().c_str(), digest.c_str());
    }
    return differing == 0 ? 0 : 1;
}
