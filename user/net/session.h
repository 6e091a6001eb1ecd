// What two daemons have said to each other since their channel came up: numbering, repetition and
// order, without any socket.
//
// Every message goes over every connection of the channel (one a path); the receiver takes the
// first copy. A message is kept until the other side acknowledged it, so that a connection that
// joins later starts with what is still missing: each connection carries an unbroken run of
// sequences that begins at or before the first one missing, and a gap is a broken peer.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace xbeat::net {

// Messages that were sent and not yet acknowledged. Past it the channel is reset: the peer does not
// take what it is told.
constexpr std::size_t kUnacknowledgedBytesMax = std::size_t{96} << 20U;

class Session {
public:
    /// A frame that several connections send at their own pace.
    using Frame = std::shared_ptr<const std::string>;

    /// Queues a message. Code::Limit past kMessageBytesMax (nothing changes) or past
    /// kUnacknowledgedBytesMax (the channel must be reset).
    Result<void> push(std::string_view message);
    /// The frame that a connection sends after having sent everything below `cursor`; empty if
    /// there is none yet. Sets `cursor` past it, and past what needs no sending any more.
    [[nodiscard]] Frame next_frame(std::uint64_t& cursor) const;
    /// The other side has everything up to `sequence`. Code::Corrupt if that was never sent.
    Result<void> acknowledged(std::uint64_t sequence);

    enum class Arrival : std::uint8_t { New, Duplicate };
    /// A data frame arrived. Code::Corrupt for a gap.
    Result<Arrival> arrived(std::uint64_t sequence);
    /// Highest sequence that arrived, to be acknowledged.
    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] std::size_t unacknowledged_bytes() const { return bytes_; }

private:
    std::deque<Frame> frames_;  // from first_ on
    std::uint64_t first_ = 1;   // sequence of frames_.front()
    std::size_t bytes_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace xbeat::net
