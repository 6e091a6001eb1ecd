// The record of the past: what was kept comes back, bounded, and damage costs only the past.
#include "store/past.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/text.h"

namespace xbeat::store {
namespace {

class Folder {
public:
    Folder() {
        std::string form = (std::filesystem::temp_directory_path() / "xbeat-past-XXXXXX").string();
        path_ = ::mkdtemp(form.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file() const { return path_ + "/past.db"; }

private:
    std::string path_;
};

PastAnswer answer_of(Past& past, PastQuery query) {
    past.ask(query);
    for (;;) {
        pollfd watched{.fd = past.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&watched, 1, 20'000) != 1) return {.id = 0, .rows = Error{.context = "silent"}};
        Past::Answers taken = past.take();
        if (!taken.answers.empty()) return taken.answers.front();
    }
}

PastRow configuration(const std::string& version, const std::string& cib) {
    return {.number = 0,
            .calendar_ms = 1'700'000'000'000,
            .kind = PastKind::Configuration,
            .cause = "uid 0",
            .version = version,
            .cib = cib};
}

TEST(Past, GivesBackWhatWasKeptEvenAfterARestart) {
    const Folder folder;
    {
        Past past = *Past::open(folder.file());
        past.keep(configuration("0.1.0", "<cib/>"));
        past.keep(configuration("0.2.0", "<cib epoch=\"2\"/>"));
    }
    Past past = *Past::open(folder.file());

    const PastAnswer list = answer_of(past, {.id = 7});
    ASSERT_TRUE(list.rows) << list.rows.error().context;
    ASSERT_EQ(list.rows->size(), 2U);
    const PastAnswer second = answer_of(past, {.id = 8, .number = list.rows->back().number});

    EXPECT_EQ(list.id, 7U);
    EXPECT_EQ(list.rows->front().version, "0.1.0");
    EXPECT_EQ(list.rows->front().cib, "");
    ASSERT_TRUE(second.rows);
    EXPECT_EQ(second.rows->front().cib, "<cib epoch=\"2\"/>");
    EXPECT_EQ(second.rows->front().cause, "uid 0");
}

TEST(Past, KeepsAConfigurationOnce) {
    const Folder folder;
    Past past = *Past::open(folder.file());

    past.keep(configuration("0.1.0", "<cib/>"));
    past.keep(configuration("0.1.0", "<cib/>"));

    EXPECT_EQ(answer_of(past, {.id = 1}).rows->size(), 1U);
}

TEST(Past, DropsTheOldestPastItsLimit) {
    const Folder folder;
    Past past = *Past::open(folder.file());

    for (std::size_t i = 0; i < kPastRowsMax + 40; ++i) {
        PastRow row = configuration("", "<cib/>");
        row.kind = PastKind::Transition;
        row.cause = concat(i);
        past.keep(row);
        // The queue is shorter than what this test has to say.
        if (i % (kPastQueueMax / 2) == 0) static_cast<void>(answer_of(past, {.id = 1}));
    }
    const PastAnswer list = answer_of(past, {.id = 2, .limit = 2 * kPastRowsMax});

    ASSERT_TRUE(list.rows);
    EXPECT_GE(list.rows->size(), kPastRowsMax);
    EXPECT_LT(list.rows->size(), kPastRowsMax + kPastPruneEvery);
    EXPECT_EQ(list.rows->back().cause, concat(kPastRowsMax + 39));
    EXPECT_EQ(past.take().lost, 0U);
}

TEST(Past, SaysThatThereIsNoSuchEntry) {
    const Folder folder;
    Past past = *Past::open(folder.file());

    const PastAnswer answer = answer_of(past, {.id = 1, .number = 99});

    ASSERT_FALSE(answer.rows);
    EXPECT_EQ(answer.rows.error().code, Code::NotFound);
}

TEST(Past, MovesADamagedFileAside) {
    const Folder folder;
    std::ofstream(folder.file()) << std::string(9000, 'x');

    Past past = *Past::open(folder.file());
    past.keep(configuration("0.1.0", "<cib/>"));

    EXPECT_EQ(answer_of(past, {.id = 1}).rows->size(), 1U);
    EXPECT_TRUE(std::filesystem::exists(folder.file() + ".damaged"));
}

TEST(Past, RefusesADocumentThatIsTooLarge) {
    const Folder folder;
    Past past = *Past::open(folder.file());

    past.keep(configuration("0.1.0", std::string(kPastDocumentBytesMax + 1, 'x')));

    EXPECT_EQ(past.take().lost, 1U);
    EXPECT_TRUE(answer_of(past, {.id = 1}).rows->empty());
}

}  // namespace
}  // namespace xbeat::store
