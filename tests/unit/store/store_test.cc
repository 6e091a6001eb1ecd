#include "store/store.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "unit/daemon/temp_dir.h"

namespace xbeat::store {
namespace {

Store start(const std::string& file) {
    Result<Database> database = Database::open(file);
    EXPECT_TRUE(database) << database.error().context;
    EXPECT_TRUE(database->load());
    Result<Store> store = Store::start(*std::move(database));
    EXPECT_TRUE(store);
    return *std::move(store);
}

node::Write append(std::uint64_t index) {
    return {.ticket = Ticket{index},
            .body = node::AppendRecord{.index = LogIndex{index}, .bytes = "r"}};
}

/// Collects answers until the condition holds, with a generous limit.
template <class Condition>
Store::Answers until(Store& store, Condition condition) {
    Store::Answers all;
    while (!condition(all)) {
        pollfd waiting{.fd = store.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, 20'000) != 1) {
            ADD_FAILURE() << "no answer in time";
            return all;
        }
        Store::Answers some = store.take();
        for (auto& entry : some.persisted) all.persisted.push_back(std::move(entry));
        for (auto& entry : some.recorded) all.recorded.push_back(std::move(entry));
        for (auto& entry : some.queried) all.queried.push_back(std::move(entry));
    }
    return all;
}

TEST(Store, AnswersEveryWriteInOrder) {
    const testing::TempDir folder;
    Store store = start(folder.file("store.db"));
    constexpr std::uint64_t kCount = 200;

    for (std::uint64_t i = 1; i <= kCount; ++i) store.write(append(i));
    const Store::Answers answers =
        until(store, [](const auto& all) { return all.persisted.size() == kCount; });

    for (std::uint64_t i = 0; i < kCount; ++i) {
        EXPECT_EQ(answers.persisted[i].ticket, Ticket{i + 1});
        EXPECT_TRUE(answers.persisted[i].outcome);
    }
}

TEST(Store, HasFinishedWhatWasQueuedWhenItEnds) {
    const testing::TempDir folder;
    {
        Store store = start(folder.file("store.db"));
        for (std::uint64_t i = 1; i <= 100; ++i) store.write(append(i));
    }

    Result<Database> database = Database::open(folder.file("store.db"));
    ASSERT_TRUE(database);
    EXPECT_EQ(database->load()->log.size(), 100U);
}

TEST(Store, RecordsNotesAndTellsThemToFollowers) {
    const testing::TempDir folder;
    Store store = start(folder.file("store.db"));
    Note note;
    note.kind = "peer-dead";

    store.record(note);
    store.record(note);
    store.query({.id = 5, .since = 0, .limit = 10});
    const Store::Answers answers =
        until(store, [](const auto& all) { return all.queried.size() == 1; });

    ASSERT_EQ(answers.recorded.size(), 2U);
    EXPECT_EQ(answers.recorded[0].sequence, 1U);
    EXPECT_EQ(answers.recorded[1].sequence, 2U);
    EXPECT_EQ(answers.queried[0].id, 5U);
    EXPECT_EQ(answers.queried[0].last, 2U);
    ASSERT_TRUE(answers.queried[0].rows);
    EXPECT_EQ(answers.queried[0].rows->size(), 2U);
    EXPECT_EQ(answers.queried[0].rows->front().note.kind, "peer-dead");
    EXPECT_GT(answers.queried[0].rows->front().calendar_ms, 0);
}

TEST(Store, TellsAWriteThatDoesNotFit) {
    const testing::TempDir folder;
    Store store = start(folder.file("store.db"));

    store.write(append(2));
    const Store::Answers answers =
        until(store, [](const auto& all) { return all.persisted.size() == 1; });

    EXPECT_EQ(answers.persisted[0].outcome.error().code, Code::Invalid);
}

}  // namespace
}  // namespace xbeat::store
