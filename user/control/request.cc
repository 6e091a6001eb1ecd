#include "control/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/limits.h"

namespace xbeat::control {
namespace {

using nlohmann::json;

Error invalid(std::string text) { return {.code = Code::Invalid, .context = std::move(text)}; }

/// Deepest nesting, without building anything: brackets outside of texts.
int nesting(std::string_view line) {
    int depth = 0;
    int deepest = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (in_text) {
            if (c == '\\') ++i;
            if (c == '"') in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

/// The members of one request, each asked for once by its type.
class Members {
public:
    Members(const json& object, std::string_view op) : object_(object), op_(op) {}

    Result<void> allow(std::initializer_list<std::string_view> known) const {
        for (const auto& [name, value] : object_.items()) {
            if (name == "op" || name == "id") continue;
            if (std::find(known.begin(), known.end(), name) == known.end())
                return invalid(fmt::format("`{}` has no member `{}`", op_,
                                           std::string_view(name).substr(0, kEchoBytesMax)));
        }
        return {};
    }
    Result<std::string> text(const char* name, std::string_view otherwise,
                             std::size_t bytes_max = kTextBytesMax) const {
        const auto found = object_.find(name);
        if (found == object_.end()) return std::string(otherwise);
        if (!found->is_string()) return invalid(fmt::format("`{}` must be a text", name));
        const auto& value = found->get_ref<const std::string&>();
        if (value.size() > bytes_max)
            return Error{.code = Code::Limit,
                         .context = fmt::format("`{}` has {} bytes; at most {} are allowed", name,
                                                value.size(), bytes_max)};
        if (value.find('\0') != std::string::npos)
            return invalid(fmt::format("`{}` contains a zero byte", name));
        return value;
    }
    Result<std::string> required(const char* name, std::size_t bytes_max = kTextBytesMax) const {
        std::string value = XB_TRY(text(name, "", bytes_max));
        if (value.empty()) return invalid(fmt::format("`{}` needs `{}`", op_, name));
        return value;
    }
    Result<bool> boolean(const char* name, bool otherwise) const {
        const auto found = object_.find(name);
        if (found == object_.end()) return otherwise;
        if (!found->is_boolean()) return invalid(fmt::format("`{}` must be true or false", name));
        return found->get<bool>();
    }
    Result<std::uint64_t> number(const char* name, std::uint64_t otherwise, std::uint64_t least,
                                 std::uint64_t most) const {
        const auto found = object_.find(name);
        if (found == object_.end()) return otherwise;
        if (!found->is_number_unsigned() || found->get<std::uint64_t>() < least ||
            found->get<std::uint64_t>() > most)
            return invalid(
                fmt::format("`{}` must be a whole number from {} to {}", name, least, most));
        return found->get<std::uint64_t>();
    }
    [[nodiscard]] bool has(const char* name) const { return object_.contains(name); }

private:
    const json& object_;
    std::string_view op_;
};

Result<node::RequestBody> read_set_attribute(const Members& members) {
    XB_TRY(members.allow({"node", "name", "value", "remove", "permanent", "private", "dampen_ms"}));
    node::SetAttribute body;
    body.node = XB_TRY(members.required("node"));
    body.name = XB_TRY(members.required("name"));
    body.value = XB_TRY(members.text("value", ""));
    body.remove = XB_TRY(members.boolean("remove", false));
    body.is_permanent = XB_TRY(members.boolean("permanent", false));
    body.is_private = XB_TRY(members.boolean("private", false));
    body.dampen_ms = static_cast<std::int64_t>(
        XB_TRY(members.number("dampen_ms", 0, 0, static_cast<std::uint64_t>(kDampenMsMax))));
    if (body.remove == members.has("value"))
        return invalid("`set_attribute` needs either `value` or `remove: true`");
    return node::RequestBody{std::move(body)};
}

Result<node::RequestBody> read_set_ticket(const Members& members) {
    XB_TRY(members.allow({"ticket", "name", "value", "remove"}));
    node::SetTicket body;
    body.ticket = XB_TRY(members.required("ticket"));
    body.name = XB_TRY(members.text("name", ""));
    body.value = XB_TRY(members.text("value", ""));
    body.remove = XB_TRY(members.boolean("remove", false));
    if (body.remove == members.has("value") || (body.name.empty() && !body.remove))
        return invalid("`set_ticket` needs `name` and `value`, or `remove: true`");
    return node::RequestBody{std::move(body)};
}

Result<node::RequestBody> read_cleanup(const Members& members) {
    XB_TRY(members.allow({"resource", "node", "failed_only"}));
    node::Cleanup body;
    body.resource = XB_TRY(members.text("resource", ""));
    body.node = XB_TRY(members.text("node", ""));
    body.failed_only = XB_TRY(members.boolean("failed_only", true));
    return node::RequestBody{std::move(body)};
}

Result<node::RequestBody> read_fail(const Members& members) {
    XB_TRY(members.allow({"resource", "node"}));
    node::FailResource body;
    body.resource = XB_TRY(members.required("resource"));
    body.node = XB_TRY(members.required("node"));
    return node::RequestBody{std::move(body)};
}

Result<node::RequestBody> read_replace(const Members& members) {
    XB_TRY(members.allow({"configuration", "base_version"}));
    node::ReplaceConfiguration body;
    body.configuration = XB_TRY(members.required("configuration", kConfigBytesMax));
    body.base_version = XB_TRY(members.text("base_version", ""));
    return node::RequestBody{std::move(body)};
}

Result<node::RequestBody> read_fence(const Members& members) {
    XB_TRY(members.allow({"node", "action"}));
    node::FenceNode body;
    body.node = XB_TRY(members.required("node"));
    body.action = XB_TRY(members.text("action", "reboot"));
    if (body.action != "reboot" && body.action != "off" && body.action != "on")
        return invalid("`action` must be reboot, off or on");
    return node::RequestBody{std::move(body)};
}

Result<node::RequestBody> read_confirm(const Members& members) {
    XB_TRY(members.allow({"node"}));
    return node::RequestBody{node::ConfirmFenced{XB_TRY(members.required("node"))}};
}

Result<node::RequestBody> read_forget_fences(const Members& members) {
    XB_TRY(members.allow({"node"}));
    return node::RequestBody{node::ForgetFences{XB_TRY(members.text("node", ""))}};
}

Result<node::RequestBody> read_validate_device(const Members& members) {
    XB_TRY(members.allow({"device"}));
    return node::RequestBody{node::ValidateDevice{XB_TRY(members.required("device"))}};
}

Result<ReadCib> read_cib(const Members& members) {
    XB_TRY(members.allow({"sections", "resource"}));
    ReadCib body;
    const std::string sections = XB_TRY(members.text("sections", ""));
    body.part.sections = XB_TRY(cib::parse_sections(sections));
    body.part.resource = XB_TRY(members.text("resource", ""));
    return body;
}

Result<ReadEvents> read_events(const Members& members) {
    XB_TRY(members.allow({"since", "limit", "follow"}));
    ReadEvents body;
    constexpr auto kSequenceMax = static_cast<std::uint64_t>(INT64_MAX);
    body.since = XB_TRY(members.number("since", 0, 0, kSequenceMax));
    body.limit = XB_TRY(members.number("limit", body.limit, 1, kEventsReplyMax));
    body.follow = XB_TRY(members.boolean("follow", false));
    return body;
}

Result<ReadHistory> read_history(const Members& members) {
    XB_TRY(members.allow({"number", "limit"}));
    ReadHistory body;
    constexpr auto kNumberMax = static_cast<std::uint64_t>(INT64_MAX);
    body.number = XB_TRY(members.number("number", 0, 0, kNumberMax));
    body.limit = XB_TRY(members.number("limit", body.limit, 1, kEventsReplyMax));
    return body;
}

Result<Request> read_body(const OpRow& row, const Members& members) {
    switch (row.op) {
        case Op::Status:
        case Op::Cib:
            return Request{.op = row.op, .body = XB_TRY(read_cib(members))};
        case Op::Ping:
        case Op::Timeline:
        case Op::Heart:
        case Op::Attributes:
            XB_TRY(members.allow({}));
            return Request{.op = row.op, .body = Read{}};
        case Op::Events:
            return Request{.op = row.op, .body = XB_TRY(read_events(members))};
        case Op::History:
            return Request{.op = row.op, .body = XB_TRY(read_history(members))};
        case Op::SetAttribute:
            return Request{.op = row.op, .body = XB_TRY(read_set_attribute(members))};
        case Op::SetTicket:
            return Request{.op = row.op, .body = XB_TRY(read_set_ticket(members))};
        case Op::Cleanup:
            return Request{.op = row.op, .body = XB_TRY(read_cleanup(members))};
        case Op::Fail:
            return Request{.op = row.op, .body = XB_TRY(read_fail(members))};
        case Op::ReplaceConfiguration:
            return Request{.op = row.op, .body = XB_TRY(read_replace(members))};
        case Op::Fence:
            return Request{.op = row.op, .body = XB_TRY(read_fence(members))};
        case Op::Confirm:
            return Request{.op = row.op, .body = XB_TRY(read_confirm(members))};
        case Op::ForgetFences:
            return Request{.op = row.op, .body = XB_TRY(read_forget_fences(members))};
        case Op::ValidateDevice:
            return Request{.op = row.op, .body = XB_TRY(read_validate_device(members))};
        case Op::Leave:
            XB_TRY(members.allow({}));
            return Request{.op = row.op, .body = node::RequestBody{node::Leave{}}};
    }
    return invalid("unknown operation");
}

/// The request's own mark, to come back with the reply: a number or a short text.
Result<std::string> read_echo(const json& object) {
    const auto found = object.find("id");
    if (found == object.end()) return std::string();
    const bool fits =
        found->is_number() ||
        (found->is_string() && found->get_ref<const std::string&>().size() <= kEchoBytesMax);
    if (!fits) return invalid("`id` must be a number or a text of at most 64 characters");
    return found->dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Request> read_request(const json& object, Role role) {
    const auto op = object.find("op");
    if (op == object.end() || !op->is_string())
        return invalid("the request has no `op`: say what is wanted");
    const auto& name = op->get_ref<const std::string&>();
    const Error denied{.code = Code::Denied,
                       .context = fmt::format("the role {} may not ask for this; see the groups of "
                                              "the control sockets",
                                              to_string(role))};
    if (role == Role::None) return denied;
    const OpRow* const row = find_op(name);
    if (row == nullptr)
        return Error{.code = Code::NotFound,
                     .context = fmt::format("there is no operation `{}`",
                                            std::string_view(name).substr(0, kEchoBytesMax))};
    if (role < row->role) return denied;
    return read_body(*row, Members(object, row->name));
}

std::string print(json reply, std::string_view echo) {
    if (!echo.empty()) reply["id"] = json::parse(echo, nullptr, false);
    return reply.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace

Parsed parse_request(std::string_view line, Role role) {
    if (nesting(line) > kJsonDepthMax)
        return {.echo = {},
                .request = invalid(
                    fmt::format("the request is nested deeper than {} levels", kJsonDepthMax))};
    // The parser would take a zero byte for the end of the line.
    const bool has_zero = line.find('\0') != std::string_view::npos;
    const json object = has_zero ? json() : json::parse(line, nullptr, false);
    if (!object.is_object())
        return {.echo = {}, .request = invalid("the request is not one JSON object a line")};
    Result<std::string> echo = read_echo(object);
    if (!echo) return {.echo = {}, .request = echo.error()};
    return {.echo = *std::move(echo), .request = read_request(object, role)};
}

std::string print_error(const Error& error, std::string_view echo) {
    return print({{"ok", false}, {"code", to_string(error.code)}, {"message", error.context}},
                 echo);
}

std::string print_message(std::string_view message, std::string_view echo) {
    return print({{"ok", true}, {"message", message}}, echo);
}

}  // namespace xbeat::control
