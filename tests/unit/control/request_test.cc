#include "control/request.h"

#include <gtest/gtest.h>

#include <vector>

namespace xbeat::control {
namespace {

Result<Request> parse(std::string_view line, Role role = Role::Admin) {
    return parse_request(line, role).request;
}

// Claim S-7: exactly the operations of the table, for exactly the roles of the table.
TEST(Request, IsAllowedToExactlyTheRolesOfTheTable) {
    for (const OpRow& row : kOps) {
        for (const Role role : {Role::None, Role::Viewer, Role::Operator, Role::Admin}) {
            const Result<Request> request =
                parse("{\"op\": \"" + std::string(row.name) + "\"}", role);
            const bool is_denied = !request && request.error().code == Code::Denied;
            EXPECT_EQ(is_denied, role < row.role) << row.name << " " << to_string(role);
        }
    }
}

TEST(Request, ChangesNothingForAViewer) {
    for (const OpRow& row : kOps) {
        const bool is_change = row.op == Op::SetAttribute || row.op == Op::SetTicket ||
                               row.op == Op::Cleanup || row.op == Op::Fail ||
                               row.op == Op::ReplaceConfiguration || row.op == Op::Fence ||
                               row.op == Op::Confirm || row.op == Op::ForgetFences ||
                               row.op == Op::ValidateDevice || row.op == Op::Leave;
        EXPECT_EQ(is_change, row.role > Role::Viewer) << row.name;
    }
    EXPECT_EQ(find_op("fence")->role, Role::Admin);
    EXPECT_EQ(find_op("replace_configuration")->role, Role::Admin);
    EXPECT_EQ(find_op("confirm")->role, Role::Admin);
    EXPECT_EQ(find_op("nothing"), nullptr);
}

TEST(Request, SetsAPrivateOrDampenedAttribute) {
    const Result<Request> request = parse(
        R"({"op":"set_attribute","node":"pm01","name":"a","value":"","private":true,"dampen_ms":5000})");
    ASSERT_TRUE(request) << request.error().context;
    const auto& body = std::get<node::SetAttribute>(std::get<node::RequestBody>(request->body));
    EXPECT_TRUE(body.is_private);
    EXPECT_EQ(body.dampen_ms, 5000);
    EXPECT_FALSE(
        parse(R"({"op":"set_attribute","node":"a","name":"b","value":"","dampen_ms":-1})"));
    EXPECT_FALSE(
        parse(R"({"op":"set_attribute","node":"a","name":"b","value":"","dampen_ms":86400001})"));
}

TEST(Request, NamesTheTicketThatItChanges) {
    const Result<Request> request =
        parse(R"({"op":"set_ticket","ticket":"T","name":"granted","value":"true"})");
    ASSERT_TRUE(request) << request.error().context;
    const auto& body = std::get<node::SetTicket>(std::get<node::RequestBody>(request->body));
    EXPECT_EQ(body.ticket, "T");
    EXPECT_EQ(body.name, "granted");
    EXPECT_EQ(body.value, "true");
    EXPECT_TRUE(parse(R"({"op":"set_ticket","ticket":"T","remove":true})"));
    EXPECT_FALSE(parse(R"({"op":"set_ticket","ticket":"T"})"));
    EXPECT_FALSE(parse(R"({"op":"set_ticket","ticket":"T","value":"x"})"));
    EXPECT_FALSE(parse(R"({"op":"set_ticket","name":"granted","value":"true"})"));
}

TEST(Request, BringsItsMembersAlong) {
    const Result<Request> standby = parse(
        R"({"op":"set_attribute","node":"pm01","name":"standby","value":"on","permanent":true})");
    ASSERT_TRUE(standby) << standby.error().context;
    const auto& body = std::get<node::SetAttribute>(std::get<node::RequestBody>(standby->body));
    EXPECT_EQ(body.node, "pm01");
    EXPECT_EQ(body.name, "standby");
    EXPECT_EQ(body.value, "on");
    EXPECT_TRUE(body.is_permanent);
    EXPECT_FALSE(body.remove);

    const Result<Request> events = parse(R"({"op":"events","since":7,"limit":3,"follow":true})");
    ASSERT_TRUE(events);
    const auto& wanted = std::get<ReadEvents>(events->body);
    EXPECT_EQ(wanted.since, 7U);
    EXPECT_EQ(wanted.limit, 3U);
    EXPECT_TRUE(wanted.follow);

    const Result<Request> cleanup = parse(R"({"op":"cleanup"})");
    ASSERT_TRUE(cleanup);
    EXPECT_TRUE(std::get<node::Cleanup>(std::get<node::RequestBody>(cleanup->body)).failed_only);
}

TEST(Request, EchoesItsIdAlsoWhenItIsRefused) {
    EXPECT_EQ(parse_request(R"({"op":"nothing","id":7})", Role::Admin).echo, "7");
    EXPECT_EQ(parse_request(R"({"op":"ping","id":"a b"})", Role::Viewer).echo, "\"a b\"");
    EXPECT_EQ(print_error({.code = Code::Conflict, .context = "no"}, "7"),
              "{\"code\":\"conflict\",\"id\":7,\"message\":\"no\",\"ok\":false}\n");
    EXPECT_EQ(print_message("done", ""), "{\"message\":\"done\",\"ok\":true}\n");
}

TEST(Request, IsRefusedWhenItIsNotWhatTheDocumentSays) {
    struct Row {
        std::string line;
        Code code;
    };
    const std::string deep =
        "{\"op\":\"ping\",\"id\":" + std::string(5000, '[') + std::string(5000, ']') + "}";
    for (const Row& row : std::vector<Row>{
             {"", Code::Invalid},
             {"ping", Code::Invalid},
             {"[]", Code::Invalid},
             {"\"ping\"", Code::Invalid},
             {"{", Code::Invalid},
             {"{}", Code::Invalid},
             {"{\"op\":7}", Code::Invalid},
             {"{\"op\":\"ping\"} {\"op\":\"ping\"}", Code::Invalid},
             {"{\"op\":\"ping\"", Code::Invalid},
             {std::string("{\"op\":\"ping\"}\0", 14), Code::Invalid},
             {"{\"op\":\"pin\xff\"}", Code::Invalid},
             {deep, Code::Invalid},
             {"{\"op\":\"nothing\"}", Code::NotFound},
             {"{\"op\":\"ping\",\"verbose\":true}", Code::Invalid},
             {"{\"op\":\"ping\",\"id\":[1]}", Code::Invalid},
             {"{\"op\":\"ping\",\"id\":\"" + std::string(65, 'x') + "\"}", Code::Invalid},
             {"{\"op\":\"events\",\"limit\":0}", Code::Invalid},
             {"{\"op\":\"events\",\"limit\":1001}", Code::Invalid},
             {"{\"op\":\"events\",\"since\":-1}", Code::Invalid},
             {"{\"op\":\"events\",\"since\":1.5}", Code::Invalid},
             {"{\"op\":\"events\",\"since\":18446744073709551615}", Code::Invalid},
             {"{\"op\":\"events\",\"follow\":1}", Code::Invalid},
             {"{\"op\":\"fence\"}", Code::Invalid},
             {"{\"op\":\"fence\",\"node\":\"a\",\"action\":\"explode\"}", Code::Invalid},
             {"{\"op\":\"fence\",\"node\":\"a\\u0000b\"}", Code::Invalid},
             {"{\"op\":\"confirm\",\"node\":\"\"}", Code::Invalid},
             {"{\"op\":\"set_attribute\",\"node\":\"a\",\"name\":\"b\"}", Code::Invalid},
             {"{\"op\":\"set_attribute\",\"node\":\"a\",\"name\":\"b\",\"value\":\"c\",\"remove\":"
              "true}",
              Code::Invalid},
             {"{\"op\":\"set_attribute\",\"node\":\"a\",\"name\":\"b\",\"value\":\"" +
                  std::string(kTextBytesMax + 1, 'v') + "\"}",
              Code::Limit},
             {"{\"op\":\"replace_configuration\"}", Code::Invalid},
             {"{\"op\":\"replace_configuration\",\"configuration\":\"" +
                  std::string(kConfigBytesMax + 1, 'c') + "\"}",
              Code::Limit}}) {
        const Result<Request> request = parse(row.line);
        ASSERT_FALSE(request) << row.line.substr(0, 100);
        EXPECT_EQ(request.error().code, row.code) << row.line.substr(0, 100);
    }
}

TEST(Request, TakesAConfigurationOfTheLargestSize) {
    EXPECT_TRUE(parse("{\"op\":\"replace_configuration\",\"configuration\":\"" +
                      std::string(kConfigBytesMax, 'c') + "\"}"));
}

TEST(Codes, AreReadBackFromTheirWords) {
    for (const Code code : {Code::Invalid, Code::NotFound, Code::Conflict, Code::Corrupt})
        EXPECT_EQ(parse_code(to_string(code)), code);
    EXPECT_EQ(parse_code("nonsense"), Code::Unavailable);
}

}  // namespace
}  // namespace xbeat::control
