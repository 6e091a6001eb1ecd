// Pacemaker's regression cases, where a folder with them is named by XBEAT_CORPUS.
//
// The data is not part of the project. The folder holds `compare`, which judges a program case by
// case, and `cases/`. The floors in floor.txt only ever rise: a figure below one is a failure.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "cib/xml.h"
#include "schedule/schedule.h"

namespace xbeat::schedule {
namespace {

namespace fs = std::filesystem;

std::string corpus_folder() {
    const char* folder = std::getenv("XBEAT_CORPUS");
    return folder == nullptr || !fs::exists(fs::path(folder) / "cases") ? "" : folder;
}

std::string read_file(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    std::string out = text.str();
    if (out.starts_with("<?xml")) out.erase(0, out.find("?>") + 2);
    return out;
}

// "437/507 placement, 425/507 actions" -> {placement: 437, ...}.
std::map<std::string, int> totals_of(const std::string& line) {
    std::map<std::string, int> out;
    std::stringstream words(line);
    std::string figure;
    std::string level;
    while (words >> figure >> level) {
        if (level.ends_with(',')) level.pop_back();
        out[level] = std::atoi(figure.c_str());
    }
    return out;
}

std::string last_line_of(const std::string& command) {
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return "";
    std::string all;
    char piece[4096];
    while (std::fgets(piece, sizeof piece, pipe) != nullptr) all += piece;
    pclose(pipe);
    while (all.ends_with('\n')) all.pop_back();
    const std::size_t start = all.rfind('\n');
    return start == std::string::npos ? all : all.substr(start + 1);
}

TEST(Corpus, EveryCaseGivesTheSamePlanTwiceInLittleTime) {
    const std::string folder = corpus_folder();
    if (folder.empty()) GTEST_SKIP() << "XBEAT_CORPUS does not name a folder with cases";
    std::size_t cases = 0;
    std::chrono::nanoseconds spent{0};
    for (const auto& entry : fs::directory_iterator(fs::path(folder) / "cases" / "xml")) {
        const Result<cib::Element> cib = cib::parse_xml(read_file(entry.path()));
        ASSERT_TRUE(cib) << entry.path() << ": " << cib.error().context;
        const Options options{.now = effective_time(*cib, EpochSeconds{1'782'864'000})};

        const auto begin = std::chrono::steady_clock::now();
        const std::string first = print_graph(schedule(*cib, options));
        spent += std::chrono::steady_clock::now() - begin;
        const std::string second = print_graph(schedule(*cib, options));

        EXPECT_EQ(first, second) << entry.path();
        ++cases;
    }
    EXPECT_GT(cases, 0U);
    std::printf("%zu cases in %.3f s\n", cases, static_cast<double>(spent.count()) / 1e9);
}

TEST(Corpus, DecidesAsPacemakerDoesAtLeastAsOftenAsBefore) {
    const std::string folder = corpus_folder();
    if (folder.empty()) GTEST_SKIP() << "XBEAT_CORPUS does not name a folder with cases";
    const char* program = std::getenv("XBEAT_PROGRAM");
    if (program == nullptr) GTEST_SKIP() << "XBEAT_PROGRAM does not name the built xbeat";

    const std::string line =
        last_line_of("'" + folder + "/compare' --quiet --cmd '" + program +
                     " simulate --graph {args} -x {xml}' --scores-cmd '" + program +
                     " simulate --scores {args} -x {xml}' --cases '" + folder + "/cases'");
    std::printf("%s\n", line.c_str());

    const std::map<std::string, int> reached = totals_of(line);
    std::ifstream floors(fs::path(__FILE__).parent_path() / "floor.txt");
    std::string level;
    int floor = 0;
    int floors_seen = 0;
    while (floors >> level >> floor) {
        ++floors_seen;
        ASSERT_TRUE(reached.contains(level)) << line;
        EXPECT_GE(reached.at(level), floor) << level << " fell below its floor";
    }
    EXPECT_GT(floors_seen, 0);
}

}  // namespace
}  // namespace xbeat::schedule
