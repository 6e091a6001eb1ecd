// What a status display is made of, whether it came from the daemon, from a file or from a test.
//
// Plain values: rendering them needs no daemon and no clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "schedule/situation.h"

namespace xbeat::cli {

/// One path to a peer, with what its beats measured since the heart started.
struct LinkStatus {
    std::string name;
    std::string interface;
    std::string local;  // addresses
    std::string remote;
    std::string mode;     // native, generic, udp; empty while nothing is attached
    std::string reason;   // why it is down
    std::string channel;  // of the encrypted channel: down connecting handshaking up
    bool is_up = false;
    Duration rtt_p50{};
    Duration rtt_p99{};
    Duration rtt_max{};
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    std::uint64_t lost = 0;
    Duration since{};  // for how long it has been up or down
};

struct PeerStatus {
    std::string name;
    std::string state = "unknown";  // alive suspect dead stalled unknown
    bool has_channel = false;
    bool is_member = false;
    Duration since{};  // in this state
    std::vector<LinkStatus> links;
};

struct FenceStatus {
    std::string target;
    std::string action;
    std::string origin;
    std::string device;   // empty for a person's word
    std::string outcome;  // pending success failed "confirmed by operator"
    std::string reason;
    EpochSeconds when{};
};

/// One run of one operation, as the status section records it.
struct OperationStatus {
    std::string node;
    std::string resource;  // name in the history
    std::string task;
    std::int64_t interval_ms = 0;
    std::int64_t call_id = 0;
    std::int32_t rc = 0;
    std::int64_t exec_time_ms = 0;
    std::int64_t queue_time_ms = 0;
    EpochSeconds last_change{};
};
/// False for what crm_mon leaves out: notifications, and probes that found nothing.
[[nodiscard]] bool is_of_interest(const OperationStatus& row);

struct PhaseStatus {
    std::string phase;
    std::string detail;
    Instant from{};
    Instant to{};
    bool succeeded = true;
};
/// Where the time of one fail-over went.
/// Of the configuration; empty texts if not known.
struct LastChange {
    std::string time = {};    // "Sun Nov 22 13:59:41 2026"
    std::string user = {};    // "uid 0"
    std::string client = {};  // "xbeat"
    std::string origin = {};  // the node that was asked
};

struct TimelineStatus {
    std::string cause;
    EpochSeconds when{};
    bool is_finished = false;
    bool succeeded = false;
    bool is_failover = false;  // something failed; else somebody wanted a change
    std::vector<PhaseStatus> phases;
};

struct Degradation {
    std::string what;
    std::string reason;
};

/// A service interface as the gate sees it.
struct GateNic {
    std::string interface = {};
    std::string trouble = {};
    bool is_armed = false;
};
/// Under what this node serves, where the arbiter hands out leases.
struct LeaseStatus {
    bool is_used = false;
    std::string arbiter = {};   // fence, witness, disk, none
    std::string standing = {};  // in words
    std::string said = {};      // what the arbiter answered last; empty if it was not asked
    std::string watchdog = {};  // none, or the device
    Duration left{};            // of the lease that the kernel knows; negative: it has run out
    bool without_end = false;   // the peer is off for certain
    bool is_open = false;       // the gate lets managed addresses through
    std::vector<std::string> managed = {};
    std::vector<GateNic> nics = {};
};

struct StatusInput {
    bool is_live = false;          // from a daemon; the members marked * mean nothing otherwise
    std::string cluster;           // *
    std::string self;              // * name of the node that answered
    std::string version;           // of the daemon, or of the CIB's coordinator
    std::string profile;           // *
    std::string activity;          // *
    std::string mode;              // * of the heart
    Duration period{};             // * between beats
    std::uint64_t term = 0;        // *
    bool unsafe_takeover = false;  // *
    std::string cib_version;
    EpochSeconds updated{};  // when this was true
    LastChange last_change;
    schedule::Situation situation;
    std::vector<OperationStatus> operations;
    std::vector<PeerStatus> peers;
    std::vector<FenceStatus> fence_history;  // oldest first
    std::vector<Degradation> degraded;
    LeaseStatus lease;  // *
};

}  // namespace xbeat::cli
