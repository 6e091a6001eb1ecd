// The token opens one conversation with the first node, on real sockets of the loopback.
#include "cli/handover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "sys/boot_clock.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Ran;
using ::testing::SizeIs;

const std::string kKey = std::string(16, '\0') + std::string(16, '\xff');
constexpr EpochSeconds kExpires{1'800'000'000};
constexpr EpochSeconds kBefore{kExpires.value - 60};

// The whole of 127.0.0.0/8 is the loopback's: two nodes of one link.
Setup pair() {
    return {.cluster = "lab",
            .profile = "vm",
            .arbiter = "fence",
            .self = {},
            .port = 0,
            .nodes = {{.name = "pm01", .id = 1, .links = {{"lo", "127.0.0.1"}}},
                      {.name = "pm02", .id = 2, .links = {{"lo", "127.0.0.2"}}}}};
}

// The first node: waits on a thread until one has the key or the time is over.
class First {
public:
    explicit First(Duration life = 20s)
        : handover_(std::move(*Handover::open(pair(), kKey, kExpires))),
          served_(std::async(std::launch::async, [this, life] {
              return handover_.serve(sys::boot_now() + life,
                                     [this](const std::string& why) { refused_.push_back(why); });
          })) {}
    [[nodiscard]] Invitation invitation() const { return handover_.invitation(); }
    Result<Handover::Joined> wait() { return served_.get(); }
    [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }

private:
    Handover handover_;
    std::vector<std::string> refused_;
    std::future<Result<Handover::Joined>> served_;
};

TEST(Handover, GivesTheSetupAndTheKeyToWhoHasTheToken) {
    First first;

    Result<Joiner> joiner = Joiner::connect(first.invitation(), kBefore);
    ASSERT_TRUE(joiner) << joiner.error().context;
    const Result<std::string> key = joiner->take_key();
    joiner->confirm();
    const Result<Handover::Joined> joined = first.wait();

    EXPECT_EQ(joiner->setup().nodes[1].name, "pm02");
    ASSERT_TRUE(key) << key.error().context;
    EXPECT_EQ(*key, kKey);
    ASSERT_TRUE(joined) << joined.error().context;
    EXPECT_EQ(joined->address, "127.0.0.2");
    EXPECT_TRUE(joined->is_confirmed);
    EXPECT_THAT(first.refused(), IsEmpty());
}

TEST(Handover, WhoConfirmsNothingIsToldApart) {
    First first;
    {
        Result<Joiner> joiner = Joiner::connect(first.invitation(), kBefore);
        ASSERT_TRUE(joiner);
        ASSERT_TRUE(joiner->take_key());
    }
    const Result<Handover::Joined> joined = first.wait();
    ASSERT_TRUE(joined);
    EXPECT_FALSE(joined->is_confirmed);
}

TEST(Handover, AUsedTokenOpensNothing) {
    std::optional<First> first(std::in_place);
    const Invitation seen = first->invitation();  // by somebody who looks over the shoulder
    Result<Joiner> joiner = Joiner::connect(seen, kBefore);
    ASSERT_TRUE(joiner && joiner->take_key());
    joiner->confirm();
    ASSERT_TRUE(first->wait());
    first.reset();

    const Result<Joiner> again = Joiner::connect(seen, kBefore);

    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::Unavailable);
    EXPECT_THAT(again.error().context, HasSubstr("used already"));
}

// The token that the observer has is the former one; a new 'init' waits at the same place.
TEST(Handover, ATokenOfBeforeIsNotKnown) {
    First first;
    Invitation former = first.invitation();
    former.secret.back() = static_cast<char>(former.secret.back() ^ 1);

    const Result<Joiner> refused = Joiner::connect(former, kBefore);
    Result<Joiner> right = Joiner::connect(first.invitation(), kBefore);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Denied);
    EXPECT_THAT(refused.error().context, HasSubstr("does not know this token"));
    ASSERT_TRUE(right && right->take_key());
    right->confirm();
    ASSERT_TRUE(first.wait());
    EXPECT_THAT(first.refused(), SizeIs(1));
}

TEST(Handover, OnlyThePeersAddressIsLetIn) {
    First first;
    Invitation elsewhere = first.invitation();
    elsewhere.links[0].joiner = "127.0.0.3";

    EXPECT_FALSE(Joiner::connect(elsewhere, kBefore));

    Result<Joiner> right = Joiner::connect(first.invitation(), kBefore);
    ASSERT_TRUE(right && right->take_key());
    right->confirm();
    ASSERT_TRUE(first.wait());
    ASSERT_THAT(first.refused(), SizeIs(1));
    EXPECT_THAT(first.refused()[0], HasSubstr("127.0.0.3"));
}

TEST(Handover, AJoinerThatGivesUpLeavesTheTokenUnused) {
    First first;
    { ASSERT_TRUE(Joiner::connect(first.invitation(), kBefore)); }

    Result<Joiner> right = Joiner::connect(first.invitation(), kBefore);

    ASSERT_TRUE(right) << right.error().context;
    ASSERT_TRUE(right->take_key());
    right->confirm();
    ASSERT_TRUE(first.wait());
}

TEST(Handover, NobodyIsLetInWhenTheTimeIsOver) {
    std::optional<First> first(std::in_place, 1ms);
    const Invitation late = first->invitation();
    const Result<Handover::Joined> joined = first->wait();
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code, Code::Timeout);
    first.reset();

    const Result<Joiner> joiner = Joiner::connect(late, {kExpires.value + 1});

    ASSERT_FALSE(joiner);
    EXPECT_EQ(joiner.error().code, Code::Timeout);
    EXPECT_THAT(joiner.error().context, HasSubstr("time was over"));
}

TEST(Handover, APortThatIsInUseIsFoundBeforeAnythingIsWritten) {
    First first;
    auto same = pair();
    same.port = first.invitation().port - kHandoverPortAbove;

    const Result<Handover> second = Handover::open(same, kKey, kExpires);

    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().context, HasSubstr("cannot listen on 127.0.0.1"));
    Result<Joiner> right = Joiner::connect(first.invitation(), kBefore);
    ASSERT_TRUE(right && right->take_key());
    right->confirm();
    ASSERT_TRUE(first.wait());
}

class JoinByToken : public ::testing::Test {
protected:
    JoinByToken() {
        std::string form = (std::filesystem::temp_directory_path() / "xbeat-join-XXXXXX").string();
        folder_ = ::mkdtemp(form.data());
    }
    ~JoinByToken() override { std::filesystem::remove_all(folder_); }
    Ran join(const std::string& self, const std::vector<std::string>& more = {}) {
        std::vector<std::string> words{
            "--config", config(), "join", make_token(first_->invitation()), "--self", self};
        words.insert(words.end(), more.begin(), more.end());
        return testing::run_words(words);
    }
    [[nodiscard]] std::string config() const { return folder_ + "/xbeat.toml"; }
    // Ends the waiting as a joiner would: nothing waits for a time-out.
    void end_waiting() {
        Result<Joiner> last = Joiner::connect(first_->invitation(), kBefore);
        ASSERT_TRUE(last) << last.error().context;  // so far the token is unused
        ASSERT_TRUE(last->take_key());
        last->confirm();
        ASSERT_TRUE(first_->wait());
    }

    std::optional<First> first_{std::in_place};

private:
    std::string folder_;
};

TEST_F(JoinByToken, RefusesATokenThatIsForOthersAndDoesNotUseIt) {
    const Ran ran = join("pm07");

    EXPECT_NE(ran.code, ExitCode::Ok);
    EXPECT_THAT(ran.err, HasSubstr("--self NAME"));
    EXPECT_FALSE(std::filesystem::exists(config()));
    end_waiting();
}

}  // namespace
}  // namespace xbeat::cli
