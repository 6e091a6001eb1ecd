#include "cli/ask.h"

#include <nlohmann/json.hpp>

#include "cli/status_source.h"
#include "cli/words.h"
#include "control/client.h"

namespace xbeat::cli {

using nlohmann::json;

Result<control::Client> connect(const Session& session, control::Role role) {
    control::Client::Options options;
    options.run_dir = session.run_dir;
    options.role = role;
    return control::Client::connect(options);
}

json to_json(const Request& request) {
    json object = {{"op", request.op}};
    for (const auto& [name, value] : request.members) {
        std::visit([&, &key = name](const auto& held) { object[key] = held; }, value);
    }
    return object;
}

Result<json> ask(const Session& session, const Request& request,
                 std::optional<control::Role> role) {
    const control::OpRow* row = control::find_op(request.op);
    const control::Role least = row != nullptr ? row->role : control::Role::Admin;
    control::Client client = XB_TRY(connect(session, role.value_or(least)));
    return client.call(to_json(request), session.timeout);
}

Result<std::string> ask_text(const Session& session, const Request& request, const char* member) {
    const json reply = XB_TRY(ask(session, request));
    return text_of(reply, member);
}

Result<StatusInput> ask_status(const Session& session) {
    const json reply = XB_TRY(ask(session, {"status"}));
    return status_from_reply(reply);
}

Result<std::string> ask_own_name(const Session& session) {
    return ask_text(session, {"ping"}, "node");
}

ExitCode request_change(Session& session, const Request& request) {
    const Result<json> reply = ask(session, request);
    if (!reply) return fail(session, reply.error());
    const std::string message = text_of(*reply, "message");
    if (!message.empty()) say(session, printable(message));
    return ExitCode::Ok;
}

}  // namespace xbeat::cli
