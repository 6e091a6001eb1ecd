// The file of a recording: whole, private, bounded.
#include "store/recorder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "unit/daemon/temp_dir.h"

namespace xbeat::store {
namespace {

std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Recorder started(const std::string& directory, std::size_t bytes_max = 1 << 20) {
    Result<Recorder> recorder =
        Recorder::start({.directory = directory, .bytes_max = bytes_max}, "head");
    EXPECT_TRUE(recorder.has_value());
    return *std::move(recorder);
}

TEST(Recorder, WritesEverythingInOrderIntoAFileOfItsOwnersOnly) {
    const testing::TempDir directory;
    {
        Recorder recorder = started(directory.path());
        for (int i = 0; i < 1000; ++i) EXPECT_TRUE(recorder.keep(std::to_string(i % 10)));
    }
    const std::string file = directory.path() + "/recording.0";
    const std::string text = content(file);
    EXPECT_EQ(text.size(), 1004U);
    EXPECT_EQ(text.substr(0, 14), "head0123456789");
    struct stat facts {};
    ASSERT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST(Recorder, KeepsTheRecordingsOfTheLastRuns) {
    const testing::TempDir directory;
    for (int run = 0; run < kRecordingsKept + 2; ++run) {
        started(directory.path()).keep(std::to_string(run));
    }
    for (int age = 0; age < kRecordingsKept; ++age) {
        EXPECT_EQ(content(directory.path() + "/recording." + std::to_string(age)),
                  "head" + std::to_string(kRecordingsKept + 1 - age));
    }
    EXPECT_EQ(content(directory.path() + "/recording." + std::to_string(kRecordingsKept)), "");
}

// What follows a gap replays to nothing, so there is none.
TEST(Recorder, EndsAtItsLimitAndSaysSoOnce) {
    const testing::TempDir directory;
    {
        Recorder recorder = started(directory.path(), 10);
        EXPECT_TRUE(recorder.keep("123456"));
        EXPECT_FALSE(recorder.keep("7"));
        const std::optional<std::string> why = recorder.take_trouble();
        ASSERT_TRUE(why.has_value());
        EXPECT_NE(why->find("10 bytes"), std::string::npos) << *why;
        EXPECT_FALSE(recorder.take_trouble().has_value());
        EXPECT_FALSE(recorder.keep(""));
    }
    EXPECT_EQ(content(directory.path() + "/recording.0"), "head123456");
}

TEST(Recorder, IsNotMadeWhereThereIsNoFolder) {
    const Result<Recorder> recorder =
        Recorder::start({.directory = "/nonexistent/xbeat", .bytes_max = 100}, "head");
    ASSERT_FALSE(recorder.has_value());
    EXPECT_EQ(recorder.error().code, Code::System);
}

}  // namespace
}  // namespace xbeat::store
