#include "node/recording.h"

#include <algorithm>
#include <array>

#include "core/limits.h"
#include "core/text.h"
#include "node/recorded_fields.h"
#include "wire/record.h"

namespace xbeat::node {
namespace {

constexpr std::string_view kMagic = "xbeat-recording\n";
constexpr std::size_t kFrameBytes = 12;  // size and checksum

struct Frame {
    std::uint32_t size = 0;
    std::uint64_t checksum = 0;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.size, self.checksum);
    }
};

struct Head {
    std::uint16_t version = kRecordingVersion;
    std::string program;
    EpochSeconds begun;
    Options options;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.version, self.program, self.begun, self.options);
    }
};

struct Step {
    Now now;
    Event event;
    std::uint64_t output = 0;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.now, self.event, self.output);
    }
};

// Stops compiling when an option is added: it has to be listed in recorded_fields.h too, or a
// replay would go another way.
[[maybe_unused]] void every_option(const Options& options) {
    [[maybe_unused]] const auto& [self, cluster, nodes, arbiter, handicap, stall_limit,
                                  unsafe_takeover, lease, exclusivity, seed, protocol_newest] =
        options;
}

// What Node requires of its options.
bool are_usable(const Options& options) {
    if (options.nodes.size() > kPairNodesMax) return false;
    return std::any_of(options.nodes.begin(), options.nodes.end(),
                       [&options](const NodeName& node) { return node.id == options.self; });
}

std::string framed(const std::string& body) {
    return wire::encode(Frame{.size = static_cast<std::uint32_t>(body.size()),
                              .checksum = wire::checksum(body)}) +
           body;
}

}  // namespace

std::string encode_head(const RecordingHead& head) {
    return std::string(kMagic) + framed(wire::encode(Head{.version = kRecordingVersion,
                                                          .program = head.program,
                                                          .begun = head.begun,
                                                          .options = head.options}));
}

std::string encode_step(const RecordedStep& step) {
    return framed(wire::encode(Step{.now = step.now, .event = step.event, .output = step.output}));
}

std::uint64_t digest_of(const Output& output) { return wire::checksum(wire::encode(output)); }

std::string_view kind_of(const Event& event) {
    constexpr std::array kKinds{"started",        "peer-verdict", "path-verdict",   "channel-up",
                                "channel-down",   "message",      "persisted",      "agent-done",
                                "process-exited", "request",      "wake",           "degraded",
                                "arbiter-answer", "lease-seen",   "agent-described"};
    static_assert(kKinds.size() == std::variant_size_v<Event>);
    return kKinds[event.index()];
}

Result<RecordingReader> RecordingReader::open(std::string_view bytes) {
    if (!bytes.starts_with(kMagic)) {
        return Error{Code::Invalid, "this is no recording of xbeat"};
    }
    RecordingReader reader(bytes.substr(kMagic.size()));
    const Result<std::string_view> body = reader.frame();
    if (!body || body->size() < sizeof(std::uint16_t)) {
        return Error{Code::Corrupt, "the recording's head is cut or damaged"};
    }
    // First alone, so that another layout can be named.
    const auto version = wire::decode<std::uint16_t>(body->substr(0, sizeof(std::uint16_t)));
    if (version != kRecordingVersion) {
        return Error{Code::Invalid, concat("the recording has layout ", version.value_or(0),
                                           ", this program reads ", kRecordingVersion,
                                           ": replay it with the version that recorded it")};
    }
    std::optional<Head> head = wire::decode<Head>(*body);
    if (!head) return Error{Code::Corrupt, "the recording's head is malformed"};
    reader.head_ = {.program = std::move(head->program),
                    .begun = head->begun,
                    .options = std::move(head->options)};
    if (!are_usable(reader.head_.options)) {
        return Error{Code::Corrupt, "the recording's head names no node of a pair"};
    }
    return reader;
}

// Takes the next frame off; its body is what was written.
Result<std::string_view> RecordingReader::frame() {
    const std::optional<Frame> frame = wire::decode<Frame>(rest_.substr(0, kFrameBytes));
    if (!frame || rest_.size() - kFrameBytes < frame->size) {
        return Error{Code::Corrupt, "is cut or damaged: the recording ends before it does"};
    }
    const std::string_view body = rest_.substr(kFrameBytes, frame->size);
    if (wire::checksum(body) != frame->checksum) return Error{Code::Corrupt, "is damaged"};
    rest_.remove_prefix(kFrameBytes + frame->size);
    return body;
}

Result<std::optional<RecordedStep>> RecordingReader::next() {
    if (rest_.empty()) return std::optional<RecordedStep>();
    const auto wrong = [this](std::string_view what) {
        return Error{Code::Corrupt, concat("event ", steps_ + 1, ' ', what)};
    };
    const Result<std::string_view> body = frame();
    if (!body) return wrong(body.error().context);
    std::optional<Step> step = wire::decode<Step>(*body);
    if (!step) return wrong("is malformed");
    // What Node requires of its host.
    const auto* started = std::get_if<Started>(&step->event);
    if ((started != nullptr) != (steps_ == 0)) return wrong("is not where a life has it");
    if (started != nullptr && started->daemon.value == 0) return wrong("has no incarnation");
    if (step->now.boot < reached_) return wrong("is older than the one before it");
    reached_ = step->now.boot;
    ++steps_;
    return std::optional<RecordedStep>(
        RecordedStep{.now = step->now, .event = std::move(step->event), .output = step->output});
}

}  // namespace xbeat::node
