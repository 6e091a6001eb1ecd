#include "agent/exec_protocol.h"

#include <algorithm>
#include <limits>

#include "core/check.h"
#include "core/text.h"

namespace xbeat::agent {
namespace {

constexpr std::size_t kHeaderBytes = 8;
// Two full outputs, an exit reason, and the fixed fields of Done.
constexpr std::size_t kReplyBytesMax = 2 * kAgentOutputBytesMax + kReasonBytesMax + 256;

enum class Kind : std::uint8_t {
    Spawn = 1,
    Launch = 2,
    Release = 3,
    Kill = 4,
    Metadata = 5,
    Will = 6,
    Alive = 7,
    Spawned = 65,
    Done = 66,
    Failed = 67,
    Executed = 68,
    WillNews = 69,
};

Error corrupt(std::string_view what) {
    return {.code = Code::Corrupt, .context = concat("xbeat-exec channel: ", what)};
}

class Writer {
public:
    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void u32(std::uint32_t value) { little_endian(value, 4); }
    void u64(std::uint64_t value) { little_endian(value, 8); }
    void flag(bool value) { u8(value ? 1 : 0); }
    void time(Instant at) { u64(static_cast<std::uint64_t>(at.time_since_epoch().count())); }
    void duration(Duration value) { u64(static_cast<std::uint64_t>(value.count())); }
    void text(std::string_view value) {
        u32(static_cast<std::uint32_t>(value.size()));
        out_.append(value);
    }
    void parameters(const std::vector<Parameter>& list) {
        u32(static_cast<std::uint32_t>(list.size()));
        for (const Parameter& parameter : list) {
            text(parameter.name);
            text(parameter.value);
        }
    }
    void texts(const std::vector<std::string>& list) {
        u32(static_cast<std::uint32_t>(list.size()));
        for (const std::string& one : list) text(one);
    }
    std::string frame(Kind kind) && {
        Writer header;
        header.u32(static_cast<std::uint32_t>(out_.size()));
        header.u8(kExecVersion);
        header.u8(static_cast<std::uint8_t>(kind));
        header.u8(0);
        header.u8(0);
        return std::move(header.out_) + out_;
    }

private:
    void little_endian(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) u8(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    std::string out_;
};

// Reads fields in order. The first thing wrong makes ok() false for good; what is read then is
// empty. The caller asks once, at the end.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    std::uint64_t little_endian(std::size_t count) {
        if (!take(count)) return 0;
        std::uint64_t value = 0;
        for (std::size_t i = count; i-- > 0;) {
            value = (value << 8U) | static_cast<std::uint8_t>(bytes_[at_ - count + i]);
        }
        return value;
    }
    std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
    std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
    std::uint64_t u64() { return little_endian(8); }
    OperationId id() { return {u64()}; }
    bool flag() {
        const std::uint8_t value = u8();
        if (value > 1) ok_ = false;
        return value == 1;
    }
    Duration duration() {
        const std::uint64_t value = u64();
        if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            ok_ = false;
            return {};
        }
        return Duration(static_cast<std::int64_t>(value));
    }
    Instant time() { return Instant(duration()); }
    std::string text(std::size_t most) {
        const std::uint32_t size = u32();
        if (size > most || !take(size)) {
            ok_ = false;
            return {};
        }
        return std::string(bytes_.substr(at_ - size, size));
    }
    std::vector<Parameter> parameters() {
        std::vector<Parameter> list(count());
        for (Parameter& parameter : list) {
            parameter.name = text(kNameBytesMax);
            parameter.value = text(kValueBytesMax);
        }
        return list;
    }
    std::vector<std::string> texts() {
        std::vector<std::string> list(count());
        for (std::string& one : list) one = text(kValueBytesMax);
        return list;
    }
    template <class Enum>
    Enum enumerator(Enum last) {
        const std::uint8_t value = u8();
        if (value < 1 || value > static_cast<std::uint8_t>(last)) ok_ = false;
        return static_cast<Enum>(value);
    }
    std::uint16_t node() {
        const std::uint32_t value = u32();
        if (value > std::numeric_limits<std::uint16_t>::max()) ok_ = false;
        return static_cast<std::uint16_t>(value);
    }
    std::uint32_t count(std::size_t most) {
        const std::uint32_t items = u32();
        if (ok_ && items <= most) return items;
        ok_ = false;
        return 0;
    }
    [[nodiscard]] bool goes_on() const { return ok_; }
    [[nodiscard]] bool ok() const { return ok_ && at_ == bytes_.size(); }

private:
    bool take(std::size_t bytes) {
        if (!ok_ || bytes_.size() - at_ < bytes) {
            ok_ = false;
            return false;
        }
        at_ += bytes;
        return true;
    }
    std::uint32_t count() { return count(kParametersMax); }

    std::string_view bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

void write_spawn(Writer& out, const Spawn& spawn) {
    out.u64(spawn.id.value);
    out.u8(static_cast<std::uint8_t>(spawn.agent_class));
    out.text(spawn.provider);
    out.text(spawn.type);
    out.text(spawn.action);
    out.text(spawn.resource);
    out.parameters(spawn.parameters);
    out.parameters(spawn.environment);
    out.text(spawn.input);
    out.duration(spawn.timeout);
    out.flag(spawn.hold);
}

Kind write(Writer& out, const Spawn& spawn) {
    write_spawn(out, spawn);
    return Kind::Spawn;
}

Kind write(Writer& out, const Will& will) {
    out.text(will.pins);
    out.u32(will.peer.value);
    out.duration(will.patience);
    out.u32(static_cast<std::uint32_t>(will.stops.size()));
    for (const WillStop& stop : will.stops) {
        write_spawn(out, stop.run);
        out.u32(static_cast<std::uint32_t>(stop.after.size()));
        for (const std::uint32_t place : stop.after) out.u32(place);
    }
    return Kind::Will;
}

Kind write(Writer& /*out*/, const Alive& /*alive*/) { return Kind::Alive; }

Kind write(Writer& out, const Launch& launch) {
    out.u64(launch.id.value);
    out.text(launch.resource);
    out.text(launch.program);
    out.texts(launch.arguments);
    out.parameters(launch.environment);
    out.text(launch.user);
    out.text(launch.directory);
    out.flag(launch.hold);
    return Kind::Launch;
}

Kind write(Writer& out, const Release& release) {
    out.u64(release.id.value);
    return Kind::Release;
}

Kind write(Writer& out, const Kill& kill) {
    out.u64(kill.id.value);
    return Kind::Kill;
}

Kind write(Writer& out, const Metadata& metadata) {
    out.u64(metadata.id.value);
    out.u8(static_cast<std::uint8_t>(metadata.agent_class));
    out.text(metadata.provider);
    out.text(metadata.type);
    out.duration(metadata.timeout);
    return Kind::Metadata;
}

Kind write(Writer& out, const Spawned& spawned) {
    out.u64(spawned.id.value);
    out.u32(static_cast<std::uint32_t>(spawned.pid));
    out.time(spawned.started_at);
    return Kind::Spawned;
}

Kind write(Writer& out, const Executed& executed) {
    out.u64(executed.id.value);
    out.time(executed.executed_at);
    return Kind::Executed;
}

Kind write(Writer& out, const Done& done) {
    out.u64(done.id.value);
    out.u32(static_cast<std::uint32_t>(done.exit_code));
    out.u32(static_cast<std::uint32_t>(done.signal));
    out.flag(done.timed_out);
    out.flag(done.killed);
    out.flag(done.output_cut);
    out.text(done.output);
    out.text(done.errors);
    out.text(done.exit_reason);
    out.time(done.queued_at);
    out.time(done.started_at);
    out.time(done.ended_at);
    return Kind::Done;
}

Kind write(Writer& out, const Failed& failed) {
    out.u64(failed.id.value);
    out.u8(static_cast<std::uint8_t>(failed.reason));
    out.text(std::string_view(failed.text).substr(0, kReasonBytesMax));
    return Kind::Failed;
}

Kind write(Writer& out, const WillNews& news) {
    out.u8(static_cast<std::uint8_t>(news.state));
    out.duration(news.wait);
    out.text(std::string_view(news.text).substr(0, kWillTextBytesMax));
    return Kind::WillNews;
}

// Braced initialisers are evaluated in order, so each of these reads the fields as written.
Spawn read_spawn(Reader& in, AgentClass last = AgentClass::Alert) {
    return {.id = in.id(),
            .agent_class = in.enumerator(last),
            .provider = in.text(kIdBytesMax),
            .type = in.text(kIdBytesMax),
            .action = in.text(kIdBytesMax),
            .resource = in.text(kIdBytesMax),
            .parameters = in.parameters(),
            .environment = in.parameters(),
            .input = in.text(kInputBytesMax),
            .timeout = in.duration(),
            .hold = in.flag()};
}

Launch read_launch(Reader& in) {
    return {.id = in.id(),
            .resource = in.text(kIdBytesMax),
            .program = in.text(kValueBytesMax),
            .arguments = in.texts(),
            .environment = in.parameters(),
            .user = in.text(kIdBytesMax),
            .directory = in.text(kValueBytesMax),
            .hold = in.flag()};
}

Metadata read_metadata(Reader& in) {
    return {.id = in.id(),
            .agent_class = in.enumerator(AgentClass::Alert),
            .provider = in.text(kIdBytesMax),
            .type = in.text(kIdBytesMax),
            .timeout = in.duration()};
}

Will read_will(Reader& in) {
    Will will{.pins = in.text(kValueBytesMax),
              .peer = NodeId{in.node()},
              .patience = in.duration(),
              .stops = std::vector<WillStop>(in.count(kWillStopsMax))};
    std::size_t place = 0;
    for (WillStop& stop : will.stops) {
        stop.run = read_spawn(in, AgentClass::Systemd);
        // There are no more stops before it than it has places to name.
        stop.after.resize(in.count(place++));
        for (std::uint32_t& before : stop.after) before = in.u32();
        // One that is cut short need not be read to its end.
        if (!in.goes_on()) break;
    }
    return will;
}

Done read_done(Reader& in) {
    return {.id = in.id(),
            .exit_code = in.i32(),
            .signal = in.i32(),
            .timed_out = in.flag(),
            .killed = in.flag(),
            .output_cut = in.flag(),
            .output = in.text(kAgentOutputBytesMax),
            .errors = in.text(kAgentOutputBytesMax),
            .exit_reason = in.text(kReasonBytesMax),
            .queued_at = in.time(),
            .started_at = in.time(),
            .ended_at = in.time()};
}

std::optional<Request> read_message(Reader& in, Kind kind, Request* /*selects the overload*/) {
    switch (kind) {
        case Kind::Spawn:
            return read_spawn(in);
        case Kind::Launch:
            return read_launch(in);
        case Kind::Release:
            return Release{.id = in.id()};
        case Kind::Kill:
            return Kill{.id = in.id()};
        case Kind::Metadata:
            return read_metadata(in);
        case Kind::Will:
            return read_will(in);
        case Kind::Alive:
            return Alive{};
        default:
            return std::nullopt;
    }
}

std::optional<Reply> read_message(Reader& in, Kind kind, Reply* /*selects the overload*/) {
    switch (kind) {
        case Kind::Spawned:
            return Spawned{.id = in.id(), .pid = in.i32(), .started_at = in.time()};
        case Kind::Executed:
            return Executed{.id = in.id(), .executed_at = in.time()};
        case Kind::Done:
            return read_done(in);
        case Kind::Failed:
            return Failed{.id = in.id(),
                          .reason = in.enumerator(FailReason::ExecutorDied),
                          .text = in.text(kReasonBytesMax)};
        case Kind::WillNews:
            return WillNews{.state = in.enumerator(WillNews::State::Ended),
                            .wait = in.duration(),
                            .text = in.text(kWillTextBytesMax)};
        default:
            return std::nullopt;
    }
}

constexpr std::size_t payload_max(const Request* /*kind*/) { return kRequestBytesMax; }
constexpr std::size_t payload_max(const Reply* /*kind*/) { return kReplyBytesMax; }

Error past_limit(std::string_view what) {
    return {.code = Code::Limit, .context = concat("agent request: ", what, " past its limit")};
}

Result<void> check_parameters(const std::vector<Parameter>& list) {
    if (list.size() > kParametersMax) return past_limit("number of parameters");
    for (const Parameter& parameter : list) {
        if (parameter.name.size() > kNameBytesMax) return past_limit("a parameter's name");
        if (parameter.value.size() > kValueBytesMax) return past_limit("a parameter's value");
    }
    return {};
}

Result<void> check_names(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        if (name.size() > kIdBytesMax) return past_limit("a name");
    }
    return {};
}

Result<void> check_limits(const Spawn& spawn) {
    XB_TRY(check_names({spawn.provider, spawn.type, spawn.action, spawn.resource}));
    XB_TRY(check_parameters(spawn.parameters));
    XB_TRY(check_parameters(spawn.environment));
    if (spawn.input.size() > kInputBytesMax) return past_limit("standard input");
    if (spawn.timeout < kTimeoutMin || spawn.timeout > kTimeoutMax) return past_limit("timeout");
    return {};
}

Result<void> check_limits(const Launch& launch) {
    XB_TRY(check_names({launch.resource, launch.user}));
    XB_TRY(check_parameters(launch.environment));
    if (launch.arguments.size() > kParametersMax) return past_limit("number of arguments");
    for (const std::string& argument : launch.arguments) {
        if (argument.size() > kValueBytesMax) return past_limit("an argument");
    }
    if (launch.program.size() > kValueBytesMax || launch.directory.size() > kValueBytesMax) {
        return past_limit("a path");
    }
    return {};
}

Result<void> check_limits(const Metadata& metadata) {
    XB_TRY(check_names({metadata.provider, metadata.type}));
    if (metadata.timeout < kTimeoutMin || metadata.timeout > kTimeoutMax) {
        return past_limit("timeout");
    }
    return {};
}

Result<void> check_limits(const Will& will) {
    if (will.stops.size() > kWillStopsMax) return past_limit("number of stops");
    if (will.pins.size() > kValueBytesMax) return past_limit("a path");
    if (will.patience < kTimeoutMin || will.patience > kTimeoutMax) return past_limit("patience");
    for (std::size_t place = 0; place < will.stops.size(); ++place) {
        XB_TRY(check_limits(will.stops[place].run));
        if (will.stops[place].after.size() > place) return past_limit("what a stop comes after");
    }
    return {};
}

Result<void> check_limits(const Alive& /*request*/) { return {}; }
Result<void> check_limits(const Release& /*request*/) { return {}; }
Result<void> check_limits(const Kill& /*request*/) { return {}; }

}  // namespace

template <class Message>
OperationId id_of(const Message& message) {
    return std::visit(
        [](const auto& one) -> OperationId {
            if constexpr (requires { one.id; }) {
                return one.id;
            } else {
                return {};
            }
        },
        message);
}

OperationId operation_of(const Request& request) { return id_of(request); }
OperationId operation_of(const Reply& reply) { return id_of(reply); }

std::string_view to_string(FailReason reason) {
    switch (reason) {
        case FailReason::Missing:
            return "missing";
        case FailReason::NotExecutable:
            return "not-executable";
        case FailReason::NotAllowed:
            return "not-allowed";
        case FailReason::BadRequest:
            return "bad-request";
        case FailReason::Limit:
            return "limit";
        case FailReason::System:
            return "system";
        case FailReason::ExecutorDied:
            return "executor-died";
    }
    check_failed("a reason outside its enumeration", __FILE__, __LINE__);
}

int ocf_code(FailReason reason) {
    switch (reason) {
        case FailReason::Missing:
            return 5;
        case FailReason::NotExecutable:
        case FailReason::NotAllowed:
            return 4;
        case FailReason::BadRequest:
            return 6;
        case FailReason::Limit:
        case FailReason::System:
        case FailReason::ExecutorDied:
            return 1;
    }
    check_failed("a reason outside its enumeration", __FILE__, __LINE__);
}

Result<std::string> encode(const Request& request) {
    XB_TRY(std::visit([](const auto& one) { return check_limits(one); }, request));
    Writer out;
    const Kind kind = std::visit([&out](const auto& one) { return write(out, one); }, request);
    std::string frame = std::move(out).frame(kind);
    if (frame.size() - kHeaderBytes > kRequestBytesMax) return past_limit("total size");
    return frame;
}

std::string encode(const Reply& reply) {
    Writer out;
    const Kind kind = std::visit([&out](const auto& one) { return write(out, one); }, reply);
    std::string frame = std::move(out).frame(kind);
    XB_CHECK(frame.size() - kHeaderBytes <= kReplyBytesMax);
    return frame;
}

template <class Message>
Result<std::optional<Message>> FrameReader<Message>::next() {
    const std::string_view waiting = std::string_view(buffer_).substr(at_);
    if (waiting.size() < kHeaderBytes) return std::optional<Message>();
    Reader header(waiting.substr(0, kHeaderBytes));
    const std::uint32_t size = header.u32();
    const std::uint8_t version = header.u8();
    const auto kind = static_cast<Kind>(header.u8());
    if (header.little_endian(2) != 0) return corrupt("reserved header bytes are not zero");
    if (version != kExecVersion) return corrupt("another version");
    if (size > payload_max(static_cast<const Message*>(nullptr))) return corrupt("frame too large");
    if (waiting.size() - kHeaderBytes < size) return std::optional<Message>();

    Reader payload(waiting.substr(kHeaderBytes, size));
    std::optional<Message> message = read_message(payload, kind, static_cast<Message*>(nullptr));
    if (!message) return corrupt("unknown kind of message");
    if (!payload.ok()) return corrupt("malformed message");
    at_ += kHeaderBytes + size;
    // Moving the rest to the front only when half is used keeps this linear over many frames.
    if (at_ * 2 >= buffer_.size()) {
        buffer_.erase(0, at_);
        at_ = 0;
    }
    return message;
}

template class FrameReader<Request>;
template class FrameReader<Reply>;

Result<std::string> fence_input(std::string_view action, const std::vector<Parameter>& parameters) {
    std::string out;
    const auto add = [&out](std::string_view name, std::string_view value) -> Result<void> {
        constexpr std::string_view kLetters =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        if (name.empty() || kLetters.find(name.front()) == std::string_view::npos ||
            name.find_first_not_of(std::string(kLetters) + "0123456789-") !=
                std::string_view::npos) {
            return Error{.context = concat("fence parameter \"", name, "\" is not a name")};
        }
        if (value.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) {
            return Error{.context = concat("fence parameter \"", name,
                                           "\" has a line break or NUL in its value")};
        }
        out += concat(name, '=', value, '\n');
        return {};
    };
    XB_TRY(add("action", action));
    for (const Parameter& parameter : parameters) {
        if (parameter.name != "action") XB_TRY(add(parameter.name, parameter.value));
    }
    return out;
}

}  // namespace xbeat::agent
