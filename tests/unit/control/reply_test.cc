#include "control/reply.h"

#include <gtest/gtest.h>

#include <string>

namespace xbeat::control {
namespace {

using nlohmann::json;

// Longer than what is left to the library.
std::string long_text(std::string_view piece) {
    std::string text;
    while (text.size() < 10'000) text += piece;
    return text;
}

void expect_same(const json& value) {
    const std::string line = value.dump();
    // Not EXPECT_EQ: it would print megabytes.
    EXPECT_TRUE(parse_reply(line) == value) << line.substr(0, 200);
}

TEST(Reply, IsWhatTheLibraryReads) {
    const std::string cib = long_text("<a b=\"c\\d\">\n\t\r/ü€𝄞</a>");

    expect_same({{"ok", true}});
    expect_same({{"cib", cib}, {"ok", true}, {"version", "1.2.3"}});
    expect_same(
        {{"a", "\"short\\\""}, {"entries", {{{"cib", cib}, {"n", 1}}, {{"cib", cib + "2"}}}}});
    expect_same(json::array({cib, "", cib + "x", 7, nullptr, "z"}));
    expect_same(json(cib));
    expect_same({{cib, "under a long name"}, {"z", cib}});
}

TEST(Reply, LeavesNumberedCharactersToTheLibrary) {
    expect_same({{"text", long_text("bell \a and form feed \f")}, {"after", long_text("x")}});
    const std::string line = "[\"" + long_text("\\u00e4") + "\"]";
    EXPECT_TRUE(parse_reply(line) == json::parse(line));
}

TEST(Reply, KeepsTheOrderAroundATextThatWasNotTakenOut) {
    expect_same(json::array({long_text("\x01"), long_text("one"), "short", long_text("two")}));
}

TEST(Reply, EndsATextAtTheFirstQuoteThatIsNotEscaped) {
    expect_same(json::array({long_text("x") + "\\", long_text("y") + "\\\"", "\\"}));
}

TEST(Reply, KnowsALongNameByTheColonAfterItWhateverStandsBetween) {
    const std::string name = long_text("n");
    const std::string line = "{\"" + name + "\"\t\n :\r\n\"" + long_text("v") + "\"}";

    EXPECT_TRUE(parse_reply(line) == json::parse(line));
}

TEST(Reply, RefusesWhatIsNoJson) {
    const std::string text = long_text("x");

    EXPECT_TRUE(parse_reply("").is_discarded());
    EXPECT_TRUE(parse_reply("{\"cib\": \"" + text).is_discarded());
    EXPECT_TRUE(parse_reply("{\"cib\": \"" + text + "\\\"}").is_discarded());
    EXPECT_TRUE(parse_reply("{\"cib\" \"" + text + "\"}").is_discarded());
    EXPECT_TRUE(parse_reply("[\"" + text + "\xff\"]").is_discarded());
    EXPECT_TRUE(parse_reply("[\"" + text + "\\q\"]").is_discarded());
}

}  // namespace
}  // namespace xbeat::control
