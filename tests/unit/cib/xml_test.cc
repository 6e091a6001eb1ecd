#include "cib/xml.h"

#include <gtest/gtest.h>

#include <string>

#include "core/limits.h"

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

TEST(Xml, RejectsWhatTheParserWouldLetPass) {
    for (const std::string_view bad :
         {"<a>&nbsp;</a>",
          "<a x='&foo;'/>",
          "<a x='<!-- '>&#18;</a>",
          "<a x='<!-- &#18;'/>",
          "<a x=\"<b>\"/>",
          "<a>&</a>",
          "<a>& b;</a>",
          "<a x='&#0;'/>",
          "<a>&#xD800;</a>",
          "<a>&#x110000;</a>",
          "<a>&#1;</a>",
          "<a>&#;</a>",
          "<a>&#99999999999;</a>",
          "<a/><b/>",
          "<a/>words",
          "words<a/>",
          "<a\x01/>",
          "<a x='\xff'/>",
          "<a><?php?></a>",
          "<?php?><a/>",
          "<!DOCTYPE a><a/>",
          "<a><!DOCTYPE b></a>",
          "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
          "<a 1='2'/>",
          "<1/>",
          "<a<b/>",
          "<a x='1'",
          "</a>",
          "<!-- -->",
          "<a><![CDATA[x</a>"}) {
        EXPECT_FALSE(parse_xml(bad)) << bad;
    }
    EXPECT_TRUE(
        parse_xml("<?xml version='1.0' encoding='UTF-8'?>\n<!-- & "
                  "--><a><![CDATA[&x;]]>&#65;&#x41;&amp;&apos;</a>"));
}

TEST(Xml, TakesBracketsAndQuotesForWhatTheyAre) {
    for (const std::string_view good :
         {"<a x='>'/>", "<a x=\"it's\">it's \"fine\"</a>", "<!-- < & ' --><a/>",
          "<a><!--'--><b x='1'/></a>", "<a><![CDATA[<&']]></a>", "<a x='/>'><b/></a>"}) {
        EXPECT_TRUE(parse_xml(good)) << good;
    }
}

TEST(Xml, ReadsMixedTextAsItPrintsIt) {
    for (const std::string_view text :
         {"<a>one<b/>two<!--c-->three</a>", "<a>  x<![CDATA[ < ]]>y </a>",
          "<a><!-- a -- b ---></a>", "<a x='&#13;&#10;&#9;'/>", "<a>\r\n</a>",
          "<\xc3\xa4 \xc3\xb6='\xc3\xbc'/>"}) {
        const Result<Element> read = parse_xml(text);
        ASSERT_TRUE(read) << text;
        const Result<Element> again = parse_xml(print_xml(*read));
        ASSERT_TRUE(again) << print_xml(*read);
        EXPECT_EQ(*again, *read) << print_xml(*read);
    }
}

TEST(Xml, RejectsBombsQuickly) {
    std::string bomb = "<!DOCTYPE lolz [<!ENTITY a \"x\">";
    for (int i = 0; i < 1000; ++i) bomb += "<!ENTITY b" + std::to_string(i) + " \"&a;&a;&a;&a;\">";
    bomb += "]><lolz>&b999;</lolz>";
    EXPECT_FALSE(parse_xml(bomb));
    std::string hidden;
    for (int i = 0; i < 200'000; ++i) hidden += "<a x='/>'>";
    EXPECT_FALSE(parse_xml(hidden));
    EXPECT_EQ(parse_xml(std::string(kConfigBytesMax + 1, ' ')).error().code, Code::Limit);
    std::string many = "<a";
    for (std::size_t i = 0; i <= kXmlAttributesMax; ++i) many += " a" + std::to_string(i) + "='1'";
    EXPECT_EQ(parse_xml(many + "/>").error().code, Code::Limit);
}

TEST(Xml, AcceptsDocumentsAtItsLimits) {
    std::string deep;
    for (std::size_t i = 0; i < kXmlDepthMax; ++i) deep += "<a>";
    for (std::size_t i = 0; i < kXmlDepthMax; ++i) deep += "</a>";
    EXPECT_TRUE(parse_xml(deep));
    EXPECT_TRUE(parse_xml("<a x='" + std::string(kXmlValueBytesMax, 'y') + "'/>"));
    EXPECT_EQ(parse_xml("<a x='" + std::string(kXmlValueBytesMax + 1, 'y') + "'/>").error().code,
              Code::Limit);
    std::string many = "<a";
    for (std::size_t i = 0; i < kXmlAttributesMax; ++i) many += " a" + std::to_string(i) + "='1'";
    EXPECT_TRUE(parse_xml(many + "/>"));
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
