#include "agent/output.h"

#include <algorithm>

#include "agent/exec_protocol.h"
#include "core/text.h"

namespace xbeat::agent {
namespace {

constexpr std::string_view kPrefix = "ocf-exit-reason:";

std::string printable(std::string_view line) {
    std::string out(trim(line.substr(kPrefix.size())));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
    return out.substr(0, kReasonBytesMax);
}

}  // namespace

void Output::feed(std::string_view bytes) {
    const std::size_t room = kAgentOutputBytesMax - text_.size();
    text_.append(bytes.substr(0, room));
    if (bytes.size() > room) cut_ = true;

    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::size_t line_room = kPrefix.size() + kReasonBytesMax - line_.size();
        line_.append(bytes.substr(0, std::min(end, line_room)));
        if (end == bytes.size()) return;
        end_line();
        bytes.remove_prefix(end + 1);
    }
}

void Output::end_line() {
    if (line_.starts_with(kPrefix)) reason_ = printable(line_);
    line_.clear();
}

std::string Output::exit_reason() const {
    return line_.starts_with(kPrefix) ? printable(line_) : reason_;
}

}  // namespace xbeat::agent
