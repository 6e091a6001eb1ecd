// Attributes of nodes and tickets, as a Node alone in its list keeps them.
#include <gtest/gtest.h>

#include <algorithm>

#include "node/node.h"
#include "replicate/apply.h"

namespace xbeat::node {
namespace {

class Lone {
public:
    Lone() : node(options()) {
        Started started;
        started.daemon = Incarnation{11};
        started.heart = Incarnation{12};
        const Output output = step(started);
        for (const Write& write : output.persist) {
            (void)step(Persisted{.ticket = write.ticket, .outcome = {}});
        }
    }
    Output step(const Event& event, Duration later = 1ms) {
        now_.boot += later;
        now_.calendar.value = 1'700'000'000;
        return node.step(now_, event);
    }
    Result<std::string> ask(RequestBody body) {
        Output output =
            step(ClientRequest{.client = ClientId{1}, .user = "uid 0", .body = std::move(body)});
        if (output.replies.empty()) return Error{Code::Unavailable, "no reply"};
        return output.replies.front().outcome;
    }
    std::optional<AttributeView> find(std::string_view name) const {
        for (AttributeView& view : node.attributes()) {
            if (view.name == name) return view;
        }
        return std::nullopt;
    }
    std::string_view in_cib(std::string_view name) const {
        return replicate::transient_attribute(node.cib(), "1", name);
    }
    std::string_view ticket(std::string_view id, std::string_view name) const {
        const cib::Element* tickets = node.cib().child("status")->child("tickets");
        if (tickets == nullptr) return {};
        for (const cib::Element& each : tickets->children) {
            if (each.get("id") == id) return each.get(name);
        }
        return {};
    }

    Node node;

private:
    static Options options() {
        Options options;
        options.self = NodeId{1};
        options.cluster = "lab";
        options.nodes = {{.id = NodeId{1}, .name = "pm01", .paths = {"ic0"}}};
        return options;
    }
    Now now_;
};

SetAttribute set(std::string value, std::int64_t dampen_ms = 0) {
    return {.node = "pm01",
            .name = "ping",
            .value = std::move(value),
            .remove = false,
            .is_permanent = false,
            .is_private = false,
            .dampen_ms = dampen_ms};
}

TEST(Attribute, IsInTheCibAtOnceWithoutDampening) {
    Lone lone;

    EXPECT_TRUE(lone.ask(set("100")));

    EXPECT_EQ(lone.in_cib("ping"), "100");
    EXPECT_FALSE(lone.find("ping")->is_waiting);
}

TEST(Attribute, ThatIsDampenedIsWrittenOnlyOnceItIsCalm) {
    Lone lone;
    ASSERT_TRUE(lone.ask(set("100")));

    EXPECT_TRUE(lone.ask(set("0", 5000)));
    EXPECT_EQ(lone.in_cib("ping"), "100");
    EXPECT_TRUE(lone.find("ping")->is_waiting);
    EXPECT_EQ(lone.find("ping")->expected, "0");
    lone.step(Wake{}, 4900ms);
    EXPECT_EQ(lone.in_cib("ping"), "100");

    lone.step(Wake{}, 200ms);
    EXPECT_EQ(lone.in_cib("ping"), "0");
    EXPECT_FALSE(lone.find("ping")->is_waiting);
}

TEST(Attribute, BeginsItsWaitAnewWithEachOtherValueButNotWithTheSame) {
    Lone lone;
    ASSERT_TRUE(lone.ask(set("100")));
    ASSERT_TRUE(lone.ask(set("0", 5000)));
    lone.step(Wake{}, 4s);

    ASSERT_TRUE(lone.ask(set("50", 5000)));
    lone.step(Wake{}, 4s);
    EXPECT_EQ(lone.in_cib("ping"), "100");
    ASSERT_TRUE(lone.ask(set("50", 5000)));
    lone.step(Wake{}, 1500ms);

    EXPECT_EQ(lone.in_cib("ping"), "50");
}

TEST(Attribute, ThatSwingsBackIsNotWrittenTwice) {
    Lone lone;
    ASSERT_TRUE(lone.ask(set("100")));
    ASSERT_TRUE(lone.ask(set("0", 5000)));
    ASSERT_TRUE(lone.ask(set("100", 5000)));
    const std::string updates(lone.node.cib().get("num_updates"));

    lone.step(Wake{}, 6s);

    EXPECT_EQ(lone.in_cib("ping"), "100");
    EXPECT_EQ(lone.node.cib().get("num_updates"), updates);
    EXPECT_FALSE(lone.find("ping")->is_waiting);
}

TEST(Attribute, SetAtOnceEndsTheWaitOfAnEarlierValue) {
    Lone lone;
    ASSERT_TRUE(lone.ask(set("0", 5000)));

    ASSERT_TRUE(lone.ask(set("7")));
    lone.step(Wake{}, 6s);

    EXPECT_EQ(lone.in_cib("ping"), "7");
}

TEST(Attribute, IsRemovedAfterItsDampeningToo) {
    Lone lone;
    ASSERT_TRUE(lone.ask(set("100")));
    SetAttribute remove = set("", 1000);
    remove.remove = true;

    ASSERT_TRUE(lone.ask(remove));
    EXPECT_EQ(lone.in_cib("ping"), "100");
    lone.step(Wake{}, 2s);

    EXPECT_FALSE(lone.find("ping").has_value());
}

TEST(Attribute, ThatIsPrivateIsNeverInTheCibAndPlansNothing) {
    Lone lone;
    SetAttribute secret = set("xyz");
    secret.is_private = true;
    const std::string updates(lone.node.cib().get("num_updates"));

    ASSERT_TRUE(lone.ask(secret));

    EXPECT_EQ(lone.in_cib("ping"), "");
    EXPECT_EQ(lone.node.cib().get("num_updates"), updates);
    EXPECT_EQ(lone.find("ping")->value, "xyz");
    EXPECT_TRUE(lone.find("ping")->is_private);
    SetAttribute remove = set("");
    remove.remove = true;
    ASSERT_TRUE(lone.ask(remove));
    EXPECT_FALSE(lone.find("ping").has_value());
}

TEST(Attribute, IsRefusedForUnknownNodesBadNamesAndContradictions) {
    Lone lone;
    SetAttribute elsewhere = set("1");
    elsewhere.node = "pm09";
    EXPECT_EQ(lone.ask(elsewhere).error().code, Code::NotFound);
    elsewhere.dampen_ms = 1000;
    EXPECT_EQ(lone.ask(elsewhere).error().code, Code::NotFound);
    SetAttribute unnamed = set("1");
    unnamed.name = "two words";
    EXPECT_EQ(lone.ask(unnamed).error().code, Code::Invalid);
    SetAttribute both = set("1", 1000);
    both.is_permanent = true;
    EXPECT_EQ(lone.ask(both).error().code, Code::Invalid);
    EXPECT_EQ(lone.ask(set("1", -1)).error().code, Code::Invalid);
    EXPECT_EQ(lone.ask(set("1", 86'400'001)).error().code, Code::Invalid);
}

TEST(Ticket, IsGrantedWithTheTimeAndForgottenWhole) {
    Lone lone;
    SetTicket grant{.ticket = "site", .name = "granted", .value = "true", .remove = false};

    ASSERT_TRUE(lone.ask(grant));
    EXPECT_EQ(lone.ticket("site", "granted"), "true");
    EXPECT_EQ(lone.ticket("site", "last-granted"), "1700000000");

    grant.value = "false";
    ASSERT_TRUE(lone.ask(grant));
    EXPECT_EQ(lone.ticket("site", "granted"), "false");
    ASSERT_TRUE(lone.ask(SetTicket{.ticket = "site", .name = "", .value = "", .remove = true}));
    EXPECT_EQ(lone.ticket("site", "granted"), "");
}

TEST(Ticket, IsRefusedWithABadNameOrValue) {
    Lone lone;
    for (const SetTicket& bad :
         {SetTicket{"site", "granted", "perhaps", false}, SetTicket{"", "granted", "true", false},
          SetTicket{"site", "id", "other", false}, SetTicket{"site", "two words", "1", false},
          SetTicket{"site", "", "1", false}}) {
        EXPECT_EQ(lone.ask(bad).error().code, Code::Invalid) << bad.ticket << bad.name;
    }
}

}  // namespace
}  // namespace xbeat::node
