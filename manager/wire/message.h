// What two members say to each other, and its bytes: bounded, versioned, decoded before it is
// believed.
//
// A channel starts with Hello from both sides. Each then decides alone, from the same two hellos,
// whether they go on with their session (Data is resent from where it stopped), one of them joins
// the other (Welcome), or they have nothing to say to each other (Refuse). What is in a session
// arrives in order and once: every Data has a number and is acknowledged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "wire/operation.h"
#include "wire/record.h"
#include "wire/request.h"

namespace xbeat::wire {

/// A release speaks its own version of the protocol and those of the releases before, so that a
/// pair is upgraded one node after the other: members speak the newest that both know. Raised when
/// an older member could misunderstand a message. 4: Catchup, ranges of versions in Hello,
/// ForgetFences and EraseFences. 5: a last survivor leads also a node that runs; Admitted.
constexpr std::uint16_t kProtocolOldest = 3;
constexpr std::uint16_t kProtocolNewest = 5;

/// Which life a daemon leads in the cluster.
enum class Standing : std::uint8_t {
    Fresh,    // just started: runs no plan, claims nothing
    Running,  // member since it last joined or started alone
};
constexpr Standing last_of(Standing /*type*/) { return Standing::Running; }

struct NodeEntry {
    NodeId id;
    std::string name;
    friend bool operator==(const NodeEntry&, const NodeEntry&) = default;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.id, self.name);
    }
};

/// The first word on a channel. Its form is frozen: every version reads and writes this one.
struct Hello {
    std::uint16_t oldest = kProtocolOldest;  // that the sender speaks
    std::string cluster;
    NodeId sender;
    std::vector<NodeEntry> nodes;  // the sender's list, itself included, by id
    Incarnation daemon;
    Incarnation heart;
    Standing standing = Standing::Fresh;
    bool is_coordinator = false;
    bool runs_resources = false;
    bool is_last_survivor = false;  // durable: may start without its peer
    Term term;                      // the newest that the sender knows
    Term log_term;                  // of its last record
    LogIndex log_index;             // of its last record
    std::string newest;  // that the sender speaks, in decimal; before version 4 something else
    std::uint64_t digest = 0;    // of its configuration and status; 0: it wants the whole state
    std::uint64_t session = 0;   // of its last session, 0 if none
    std::uint64_t received = 0;  // the last number received in that session
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.oldest, self.cluster, self.sender, self.nodes, self.daemon, self.heart,
                self.standing, self.is_coordinator, self.runs_resources, self.is_last_survivor,
                self.term, self.log_term, self.log_index, self.newest, self.digest, self.session,
                self.received);
    }
};
/// The newest version that the sender of a hello speaks. Before version 4 a release spoke one only.
[[nodiscard]] std::uint16_t newest_of(const Hello& hello);
/// The newest version that both speak, if there is one.
[[nodiscard]] std::optional<std::uint16_t> common_version(const Hello& a, const Hello& b);

struct Refuse {
    std::string reason;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.reason);
    }
};
/// From the coordinator to who joins: the whole state, and the session that begins with it.
struct Welcome {
    std::uint64_t session = 0;
    Term term;
    Incarnation joiner;         // the life that is welcome: an answer to an older one is void
    bool is_divergent = false;  // the joiner holds records that the coordinator never had
    std::string snapshot;       // replicate::encode_snapshot()
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.session, self.term, self.joiner, self.is_divergent, self.snapshot);
    }
};
/// Instead of Welcome, where the joiner's log is how the coordinator's begins: what came after it.
/// Since version 4.
struct Catchup {
    std::uint64_t session = 0;
    Term term;
    Incarnation joiner;
    LogIndex after;                    // the joiner's last record
    std::vector<std::string> records;  // encode_record(), consecutive
    std::uint64_t digest = 0;          // of the state that follows
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.session, self.term, self.joiner, self.after, self.records, self.digest);
    }
};
struct Ack {
    std::uint64_t session = 0;
    std::uint64_t received = 0;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.session, self.received);
    }
};

/// The joiner took over the welcome's state and its term is durable. Before version 5 it is a
/// member from then on.
struct Joined {
    Term term;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term);
    }
};
struct Append {
    Term term;
    std::vector<std::string> records;  // encode_record(), consecutive
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term, self.records);
    }
};
/// All records up to here are durable at the sender.
struct Durable {
    LogIndex up_to;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.up_to);
    }
};
struct NotDurable {
    LogIndex index;
    std::string reason;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.index, self.reason);
    }
};
struct Execute {
    Term term;
    Operation operation;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term, self.operation);
    }
};
/// The history of that resource was erased: its recurring monitors end.
struct EndMonitors {
    std::string resource;  // empty = all
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.resource);
    }
};
struct Report {
    Operation operation;  // as ordered; of its parameters only the ends of a migration
    OperationResult result;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.operation, self.result);
    }
};
/// Fence that node from where you are (the coordinator cannot shoot itself).
struct Fence {
    Term term;
    std::string target;
    std::string action;
    Duration timeout{};
    Duration delay{};
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term, self.target, self.action, self.timeout, self.delay);
    }
};
struct FenceDone {
    std::string target;
    std::string action;
    bool succeeded = false;
    std::string device;
    std::string reason;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.target, self.action, self.succeeded, self.device, self.reason);
    }
};
struct Forward {
    ClientId client;
    std::string user;
    RequestBody body;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.client, self.user, self.body);
    }
};
struct Answer {
    ClientId client;
    bool succeeded = false;
    std::uint8_t code = 0;  // of Code, if it failed
    std::string text;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.client, self.succeeded, self.code, self.text);
    }
};
/// From the coordinator: nothing of yours runs any more, you may leave.
struct MayLeave {
    Term term;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term);
    }
};
/// The sender runs nothing and will not come back in this life: a proof.
struct Goodbye {
    Term term;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term);
    }
};

/// From the coordinator to who has joined: it is a member, and the coordinator cannot start without
/// it any more. Since version 5.
struct Admitted {
    Term term;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term);
    }
};

using Body = std::variant<Joined, Append, Durable, NotDurable, Execute, EndMonitors, Report, Fence,
                          FenceDone, Forward, Answer, MayLeave, Goodbye, Admitted>;

struct Data {
    std::uint64_t session = 0;
    std::uint64_t number = 0;    // from 1, without gaps
    std::uint64_t received = 0;  // acknowledges the other direction
    Body body;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.session, self.number, self.received, self.body);
    }
};

using Message = std::variant<Hello, Refuse, Welcome, Ack, Data, Catchup>;

/// Magic, version and the message. Requires: the message exists in that version.
[[nodiscard]] std::string encode_message(const Message& message,
                                         std::uint16_t version = kProtocolOldest);
/// Code::Invalid with what is wrong: not ours, too long (kMessageBytesMax), of a version that this
/// release does not speak, cut, bytes left over. A Hello is read whatever version it is of, so that
/// a refusal can say why.
[[nodiscard]] Result<Message> decode_message(std::string_view bytes);

/// A stable word for a message's kind, for notes.
[[nodiscard]] std::string_view kind_of(const Message& message);

}  // namespace xbeat::wire
