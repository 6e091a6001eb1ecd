#include "net/session.h"

#include <algorithm>

#include "net/frame.h"

namespace xbeat::net {

Result<void> Session::push(std::string_view message) {
    if (message.size() > kMessageBytesMax)
        return Error{.code = Code::Limit,
                     .context = "the message is longer than a peer may be sent"};
    if (bytes_ + message.size() > kUnacknowledgedBytesMax)
        return Error{.code = Code::Limit, .context = "the peer does not take what it is sent"};
    const std::uint64_t sequence = first_ + frames_.size();
    frames_.push_back(std::make_shared<const std::string>(encode_data(sequence, message)));
    bytes_ += message.size();
    return {};
}

Session::Frame Session::next_frame(std::uint64_t& cursor) const {
    cursor = std::max(cursor, first_);
    if (cursor - first_ >= frames_.size()) return nullptr;
    return frames_[static_cast<std::size_t>(cursor++ - first_)];
}

Result<void> Session::acknowledged(std::uint64_t sequence) {
    if (sequence >= first_ + frames_.size())
        return Error{.code = Code::Corrupt,
                     .context = "the peer acknowledged what it was never sent"};
    while (!frames_.empty() && first_ <= sequence) {
        bytes_ -= frames_.front()->size() - kHeaderBytes;
        frames_.pop_front();
        ++first_;
    }
    return {};
}

Result<Session::Arrival> Session::arrived(std::uint64_t sequence) {
    if (sequence <= received_) return Arrival::Duplicate;
    if (sequence != received_ + 1)
        return Error{.code = Code::Corrupt, .context = "a message of the peer is missing"};
    received_ = sequence;
    return Arrival::New;
}

}  // namespace xbeat::net
