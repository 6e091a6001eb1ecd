// A run of the manager as bytes: each event with its time, and a digest of what the manager wanted.
//
// The manager is a function of its options and events, so a recording that begins with the first
// event of a life is that life: stepping a node through it on another machine has to give the same
// outputs, bit for bit. What is recorded is everything that the manager was told, secrets of the
// configuration included. Files and threads are left to the host.
//
// Layout: the magic, then frames of (size, checksum, body), all little-endian: first the head, then
// one a step. A frame that is cut ends the recording; one that is damaged spoils it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "node/event.h"
#include "node/node.h"
#include "node/output.h"

namespace xbeat::node {

/// Raised when events or outputs are encoded in another way: then only the program that recorded
/// can replay.
constexpr std::uint16_t kRecordingVersion = 1;

struct RecordingHead {
    std::string program;  // version of who recorded
    EpochSeconds begun;
    Options options;
};

struct RecordedStep {
    Now now;
    Event event;
    std::uint64_t output = 0;  // digest_of() what was wanted
};

/// The beginning of a recording.
[[nodiscard]] std::string encode_head(const RecordingHead& head);
/// One step, to be appended.
[[nodiscard]] std::string encode_step(const RecordedStep& step);

/// A number for everything in an output, notes included: a checksum, not a protection.
[[nodiscard]] std::uint64_t digest_of(const Output& output);

/// A stable word for an event's kind: "started", "peer-verdict", "agent-done", ...
[[nodiscard]] std::string_view kind_of(const Event& event);

/// Reads a recording in order. The bytes outlive it.
class RecordingReader {
public:
    /// Code::Invalid if it is none, or of another layout (said with both numbers); Corrupt if its
    /// head is cut or damaged.
    [[nodiscard]] static Result<RecordingReader> open(std::string_view bytes);

    [[nodiscard]] const RecordingHead& head() const { return head_; }
    /// The next step, or nothing at the end. Code::Corrupt with the step's number if it is damaged,
    /// cut, or none that a host could have taken (time that goes back, a life that does not begin
    /// with Started): what came before it is good.
    [[nodiscard]] Result<std::optional<RecordedStep>> next();
    /// Steps that were read.
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

private:
    explicit RecordingReader(std::string_view rest) : rest_(rest) {}
    [[nodiscard]] Result<std::string_view> frame();

    std::string_view rest_;
    RecordingHead head_;
    std::uint64_t steps_ = 0;
    Instant reached_{};
};

}  // namespace xbeat::node
