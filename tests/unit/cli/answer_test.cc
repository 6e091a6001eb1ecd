// One answer, three forms; and what becomes of a command that only said something.
#include "cli/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;

struct Printed {
    ExitCode code = ExitCode::Ok;
    std::string out;
};

Printed printed(Form form, const Answer& answer) {
    std::istringstream in;
    std::ostringstream out;
    Session session{.in = in, .out = out, .err = out};
    session.form = form;
    session.command = "history-list";
    session.request = "xbeat history list";
    const ExitCode code = show(session, answer);
    return {.code = finish(session, code), .out = out.str()};
}

Answer example() {
    return {.text = "one line\n",
            .document = {{"name", "a<b"},
                         {"none", nullptr},
                         {"entries", {{{"number", 1}, {"odd key", true}}, {{"number", 2}}}},
                         {"words", {"x", "y"}}},
            .code = ExitCode::Unsatisfied};
}

TEST(Answer, IsLinesForAPerson) {
    const Printed text = printed(Form::Text, example());

    EXPECT_EQ(text.out, "one line\n");
    EXPECT_EQ(text.code, ExitCode::Unsatisfied);
}

TEST(Answer, IsOneObjectWithItsExitCodeInJson) {
    const Document document = Document::parse(printed(Form::Json, example()).out);

    EXPECT_EQ(document["schema"], 1);
    EXPECT_EQ(document["entries"][1]["number"], 2);
    EXPECT_EQ(document["status"]["code"], 113);
    EXPECT_FALSE(document["status"].contains("errors"));
}

TEST(Answer, IsElementsMadeFromTheSameMembersInXml) {
    const Result<cib::Element> root = cib::parse_xml(printed(Form::Xml, example()).out);

    ASSERT_TRUE(root);
    EXPECT_EQ(root->get("request"), "xbeat history list");
    const cib::Element* own = root->child("xbeat-history-list");
    ASSERT_NE(own, nullptr);
    EXPECT_EQ(own->get("name"), "a<b");
    EXPECT_FALSE(own->has("none"));
    ASSERT_EQ(own->child("entries")->children.size(), 2U);
    EXPECT_EQ(own->child("entries")->children[0].name, "entry");
    EXPECT_EQ(own->child("entries")->children[0].get("odd_key"), "true");
    EXPECT_EQ(own->child("words")->children[1].children[0].text, "y");
    EXPECT_EQ(root->child("status")->get("code"), "113");
}

TEST(Answer, OfACommandThatOnlySaidSomethingIsItsMessages) {
    std::istringstream in;
    std::ostringstream out;
    Session session{.in = in, .out = out, .err = out};
    session.form = Form::Json;

    say(session, "web prefers pm02\n");
    const ExitCode code = finish(session, ExitCode::Ok);

    EXPECT_EQ(code, ExitCode::Ok);
    EXPECT_EQ(Document::parse(out.str())["messages"], Document({"web prefers pm02"}));
}

TEST(Answer, OfAFailureNamesIt) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Session session{.in = in, .out = out, .err = err};
    session.form = Form::Xml;

    const ExitCode code =
        finish(session, fail(session, {.code = Code::NotFound, .context = "no such thing"}));

    EXPECT_EQ(code, ExitCode::NoSuchObject);
    EXPECT_EQ(err.str(), "xbeat: no such thing\n");
    EXPECT_THAT(out.str(), HasSubstr("<error>no such thing</error>"));
    EXPECT_THAT(out.str(), HasSubstr("message=\"No such object\""));
}

TEST(Answer, ControlBytesCannotBreakTheXml) {
    const Printed xml =
        printed(Form::Xml, {.document = {{"output", "a\x01\x1b[31mb"}, {"rows", {"\x02"}}}});

    EXPECT_TRUE(cib::parse_xml(xml.out));
    EXPECT_EQ(xml.out.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace xbeat::cli
