#include "cli/ask.h"

#include <cstdlib>

#include "cli/status_source.h"
#include "cli/words.h"

namespace xbeat::cli {

Result<control::Client> connect(const Session& session, control::Role role) {
    control::Client::Options options;
    options.run_dir = session.run_dir;
    options.role = role;
    return control::Client::connect(options);
}

Result<nlohmann::json> ask(const Session& session, const nlohmann::json& request,
                           control::Role role) {
    control::Client client = XB_TRY(connect(session, role));
    return client.call(request, session.timeout);
}

ExitCode request_change(Session& session, const nlohmann::json& request) {
    const control::OpRow* row = control::find_op(text_of(request, "op"));
    const control::Role role = row != nullptr ? row->role : control::Role::Admin;
    const Result<nlohmann::json> reply = ask(session, request, role);
    if (!reply) return fail(session, reply.error());
    const std::string message = text_of(*reply, "message");
    if (!message.empty()) session.out << printable(message) << '\n';
    return ExitCode::Ok;
}

}  // namespace xbeat::cli
