#include "cib/xml.h"

#include <gtest/gtest.h>

namespace xbeat::cib {
namespace {

TEST(Xml, ReadsBackWhatItPrints) {
    const std::string text =
        "<cib epoch=\"1\">\n  <!-- why -->\n  <a x=\"&quot;&lt;&#10;\"/>\n  <b>words &amp; "
        "more</b>\n</cib>\n";

    const Result<Element> read = parse_xml(text);

    ASSERT_TRUE(read) << read.error().context;
    EXPECT_EQ(print_xml(*read), text);
    EXPECT_EQ(*parse_xml(print_xml(*read)), *read);
}

TEST(Xml, KnowsTheLineOfEachElement) {
    const Result<Element> read = parse_xml("<cib>\n\n <node\n id='1'/>\n</cib>");

    ASSERT_TRUE(read);
    EXPECT_EQ(read->child("node")->line, 3U);
}

TEST(Xml, RejectsBadInputWithItsLine) {
    EXPECT_NE(parse_xml("<cib>\n<a>\n</cib>").error().context.find("line 3"), std::string::npos);
    EXPECT_EQ(parse_xml("").error().code, Code::Invalid);
    EXPECT_EQ(parse_xml("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>").error().code, Code::Invalid);
    EXPECT_EQ(parse_xml("<a x='1' x='2'/>").error().code, Code::Invalid);
}

TEST(Xml, RejectsDocumentsPastItsLimits) {
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "<a>";
    for (int i = 0; i < 100; ++i) deep += "</a>";
    EXPECT_EQ(parse_xml(deep).error().code, Code::Limit);
    EXPECT_EQ(parse_xml("<a x='" + std::string(70'000, 'y') + "'/>").error().code, Code::Limit);
}

}  // namespace
}  // namespace xbeat::cib
