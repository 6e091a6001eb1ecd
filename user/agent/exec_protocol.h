// What xbeatd and xbeat-exec say to each other: typed requests one way, typed replies the other.
//
// A frame is a header of eight bytes (payload length u32, version u8, kind u8, two zero bytes) and
// a payload; integers are little-endian, strings are a u32 length and bytes. Both ends are root and
// come from one build, yet the decoder believes nothing: lengths are checked against the frame and
// the limits below before anything is allocated, left-over bytes and values outside an enumeration
// are Code::Corrupt, and a stream that has once been corrupt is given up. Who may run what is left
// to allow_list.h.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/id.h"
#include "core/limits.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::agent {

constexpr std::uint8_t kExecVersion = 2;
constexpr std::size_t kRequestBytesMax = std::size_t{1} << 20U;  // larger: Code::Limit in send()
constexpr std::size_t kParametersMax = 512;                      // of one request, each list
constexpr std::size_t kValueBytesMax = std::size_t{64} << 10U;   // of one parameter
constexpr std::size_t kNameBytesMax = 128;                       // of one parameter's name
constexpr std::size_t kInputBytesMax = std::size_t{256} << 10U;  // standard input of fence agents
constexpr std::size_t kReasonBytesMax = 1024;  // of an exit reason; the rest is cut
constexpr std::size_t kWillTextBytesMax = std::size_t{16} << 10U;  // of WillNews; the rest is cut
constexpr std::size_t kOperationsMax = 512;  // at one time; more: FailReason::Limit
constexpr Duration kTimeoutMin = std::chrono::milliseconds(1);
constexpr Duration kTimeoutMax = std::chrono::hours(24 * 7);

/// Which standard the agent follows; decides where it is looked for and what it is given.
enum class AgentClass : std::uint8_t {
    Ocf = 1,      // OCF_ROOT/resource.d/PROVIDER/TYPE ACTION, parameters as OCF_RESKEY_NAME
    Lsb = 2,      // /etc/init.d/TYPE ACTION, no parameters
    Stonith = 3,  // /usr/sbin/TYPE (fence_*), parameters on standard input, see fence_input()
    Alert = 4,    // TYPE is an absolute path, parameters are its environment, see alert_users()
    Systemd = 5,  // in a last will only: a unit
};

struct Parameter {
    std::string name = {};
    std::string value = {};
    friend bool operator==(const Parameter&, const Parameter&) = default;
};

/// Runs one action of one agent. Answers: Spawned, then Done. Or Failed, also after Spawned (the
/// child could not execute it).
struct Spawn {
    OperationId id = {};  // chosen by the caller; unique among running operations
    AgentClass agent_class = AgentClass::Ocf;
    std::string provider = {};  // OCF only ("heartbeat"); otherwise empty
    std::string type = {};      // "IPaddr2", "fence_ipmilan"
    std::string action = {};    // "start", "meta-data"; for fence agents it must also be in `input`
    std::string resource =
        {};  // OCF_RESOURCE_INSTANCE, in logs, and in the name of the control group
    std::vector<Parameter> parameters = {};  // names without OCF_RESKEY_; CRM_meta_* are among them
    std::vector<Parameter> environment =
        {};                  // extra: names beginning OCF_, HA_, PCMK_, CRM_, XBEAT_
    std::string input = {};  // standard input; empty: /dev/null
    Duration timeout{};      // from its arrival on; [kTimeoutMin, kTimeoutMax]
    bool hold = false;  // the child runs no code of the agent before Release (to add a watch first)
    friend bool operator==(const Spawn&, const Spawn&) = default;
};

/// Starts a program that shall outlive xbeatd and xbeat-exec (xbeat:process). Answers: Spawned,
/// then Executed when the program has replaced the child, and nothing more. Or, instead of
/// Executed, Done if it ended at once, or Failed.
struct Launch {
    OperationId id = {};
    std::string resource = {};
    std::string program = {};                 // absolute path
    std::vector<std::string> arguments = {};  // without argv[0]
    std::vector<Parameter> environment = {};  // any valid name
    std::string user = {};                    // empty: root
    std::string directory = {};               // empty: "/"
    bool hold = false;
    friend bool operator==(const Launch&, const Launch&) = default;
};

/// Lets a held child go on. An unknown id is ignored: the child may have died.
struct Release {
    OperationId id = {};
    friend bool operator==(const Release&, const Release&) = default;
};

/// SIGKILL to everything that the operation started (group, session, control group). Its Done says
/// `killed`. An unknown id is ignored: the operation may have ended in the meantime.
struct Kill {
    OperationId id = {};
    friend bool operator==(const Kill&, const Kill&) = default;
};

/// Asks an agent for its XML description: in the `output` of Done.
struct Metadata {
    OperationId id = {};
    AgentClass agent_class = AgentClass::Ocf;
    std::string provider = {};
    std::string type = {};
    Duration timeout = std::chrono::seconds(30);
    friend bool operator==(const Metadata&, const Metadata&) = default;
};

/// One stop of a last will. Only Ocf (built-in agents included), Lsb and Systemd, only the actions
/// "stop" and "demote", without standard input.
struct WillStop {
    Spawn run = {};  // its id has no meaning
    std::vector<std::uint32_t> after =
        {};  // places in the will, all before this one: they have to succeed first
    friend bool operator==(const WillStop&, const WillStop&) = default;
};

/// What xbeat-exec stops by itself once this node has had no lease for `patience` and the daemon
/// gave no sign of life in that time, whether it is gone or hangs. Replaces the one before; without
/// stops nothing is done. A will that breaks a rule is refused whole, and then there is none.
struct Will {
    std::string pins = {};  // the folder in which the gate and the heart are pinned
    NodeId peer = {};       // whose grants count; 0: nobody's
    Duration patience = std::chrono::seconds(5);  // [kTimeoutMin, kTimeoutMax]
    std::vector<WillStop> stops = {};             // at most kWillStopsMax
    friend bool operator==(const Will&, const Will&) = default;
};

/// The daemon makes progress.
struct Alive {
    friend bool operator==(const Alive&, const Alive&) = default;
};

using Request = std::variant<Spawn, Launch, Release, Kill, Metadata, Will, Alive>;

/// The child exists. With `hold` it waits; otherwise it may already be running.
struct Spawned {
    OperationId id = {};
    pid_t pid = 0;  // in the pid namespace of xbeat-exec; also its process group and session
    Instant started_at{};
    friend bool operator==(const Spawned&, const Spawned&) = default;
};

/// A launched program is running now: execve(2) succeeded.
struct Executed {
    OperationId id = {};
    Instant executed_at{};
    friend bool operator==(const Executed&, const Executed&) = default;
};

/// The action's own process has ended. What it left behind (daemons) lives on, unless it timed out
/// or was killed.
struct Done {
    OperationId id = {};
    std::int32_t exit_code = 0;  // meaningful if signal is 0
    std::int32_t signal = 0;     // that ended it; 0 if it exited
    bool timed_out = false;
    bool killed = false;      // because of Kill
    bool output_cut = false;  // it wrote more than kAgentOutputBytesMax to one of the two
    std::string output = {};  // the first kAgentOutputBytesMax bytes, as written (any bytes)
    std::string errors = {};  // the same of standard error
    std::string exit_reason =
        {};                // the last "ocf-exit-reason:" line, without the prefix, printable
    Instant queued_at{};   // the request arrived
    Instant started_at{};  // the child was forked
    Instant ended_at{};    // its end was seen
    friend bool operator==(const Done&, const Done&) = default;
};

enum class FailReason : std::uint8_t {
    Missing = 1,        // no such agent, or its interpreter does not exist
    NotExecutable = 2,  // no execute permission, or not a program
    NotAllowed = 3,     // outside the allowed folders, a link, or writable by others than root
    BadRequest = 4,     // a name, value or limit of the request is not acceptable
    Limit = 5,          // kOperationsMax are running
    System = 6,         // fork or pipe failed
    ExecutorDied = 7,   // xbeat-exec ended while it ran; the action was killed, its effect unknown
};

/// The action was not run, or (ExecutorDied) nobody saw how it ended.
struct Failed {
    OperationId id = {};
    FailReason reason = FailReason::System;
    std::string text = {};  // one sentence for the operator
    friend bool operator==(const Failed&, const Failed&) = default;
};

/// How far a last will is carried out. To the daemon when it begins: from then on nothing else is
/// run, so it ends and lets its successor ask; and to the successor.
struct WillNews {
    enum class State : std::uint8_t {
        Unused = 1,   // there was no need
        Running = 2,  // stops run; for the successor no further ones are begun
        Ended = 3,
    };
    State state = State::Unused;
    Duration wait{};        // Running: they end within it
    std::string text = {};  // Ended: what was stopped, what was not; one line
    friend bool operator==(const WillNews&, const WillNews&) = default;
};

using Reply = std::variant<Spawned, Executed, Done, Failed, WillNews>;

/// 0 for what is no operation.
[[nodiscard]] OperationId operation_of(const Request& request);
[[nodiscard]] OperationId operation_of(const Reply& reply);
[[nodiscard]] std::string_view to_string(FailReason reason);
/// The OCF exit code that Pacemaker gives for it: 5 (not installed), 4 (privileges), 6 (configured)
/// or 1.
[[nodiscard]] int ocf_code(FailReason reason);

/// The whole frame, header included. Code::Limit if a documented limit is passed.
[[nodiscard]] Result<std::string> encode(const Request& request);
/// Never fails: xbeat-exec has bounded every part already.
[[nodiscard]] std::string encode(const Reply& reply);

/// Takes bytes as they come off the stream and gives back whole messages.
template <class Message>
class FrameReader {
public:
    /// Appends what was received. The buffer never holds more than one frame and one read.
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    /// The next whole message, or empty if more bytes are needed. Code::Corrupt for anything that
    /// encode() cannot have written; the stream is then useless.
    [[nodiscard]] Result<std::optional<Message>> next();

private:
    std::string buffer_;
    std::size_t at_ = 0;
};
extern template class FrameReader<Request>;
extern template class FrameReader<Reply>;

/// The standard input of a fence agent: one `name=value` line each, `action` first.
/// Code::Invalid for a name outside [A-Za-z_][A-Za-z0-9_-]* or a value with a line break or NUL.
/// Source: FenceAgentAPI.md of fence-agents, "Input parameters".
[[nodiscard]] Result<std::string> fence_input(std::string_view action,
                                              const std::vector<Parameter>& parameters);

}  // namespace xbeat::agent
