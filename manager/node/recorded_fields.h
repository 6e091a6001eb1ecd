// The fields of events and outputs in the order in which a recording has them. Private to
// recording.cc: what the manager is told and wants need not know that it may be written down.
#pragma once

#include "node/event.h"
#include "node/node.h"
#include "node/output.h"
#include "wire/codec.h"

namespace xbeat {
constexpr Code last_of(Code /*type*/) { return Code::Corrupt; }
}  // namespace xbeat

namespace xbeat::health {
constexpr PeerState last_of(PeerState /*type*/) { return PeerState::Stalled; }
}  // namespace xbeat::health

namespace xbeat::execute {
constexpr AgentStatus last_of(AgentStatus /*type*/) { return AgentStatus::Failed; }
}  // namespace xbeat::execute

namespace xbeat::arbiter {
constexpr ArbiterKind last_of(ArbiterKind /*type*/) { return ArbiterKind::Disk; }
constexpr Reply last_of(Reply /*type*/) { return Reply::Unreachable; }
}  // namespace xbeat::arbiter

namespace xbeat::wire {

// One line a type: `self` is const for a Writer. The constraint keeps each list to its own type.
#define XB_RECORDED(Type, ...)                               \
    template <class Self, class Archive>                     \
    requires std::is_same_v<std::remove_const_t<Self>, Type> \
    void fields_of([[maybe_unused]] Self& self, Archive& archive) { archive(__VA_ARGS__); }

// What stands in a recording's head and in every step.
XB_RECORDED(Now, self.boot, self.calendar)
XB_RECORDED(Error, self.code, self.context, self.system_errno)
XB_RECORDED(node::NodeName, self.id, self.name, self.paths)
XB_RECORDED(node::Options, self.self, self.cluster, self.nodes, self.arbiter, self.handicap,
            self.stall_limit, self.unsafe_takeover, self.lease, self.exclusivity, self.seed,
            self.protocol_newest)

// Events.
XB_RECORDED(node::Started, self.daemon, self.heart, self.heart_adopted, self.snapshot,
            self.snapshot_index, self.log, self.meta)
XB_RECORDED(health::Evidence, self.last_answer, self.judged_at, self.last_heard, self.unanswered,
            self.rtt_p99, self.ticks_late)
XB_RECORDED(node::PeerVerdict, self.peer, self.state, self.evidence)
XB_RECORDED(node::PathVerdict, self.peer, self.path, self.is_up, self.reason)
XB_RECORDED(node::ChannelUp, self.peer)
XB_RECORDED(node::ChannelDown, self.peer, self.reason)
XB_RECORDED(node::MessageReceived, self.peer, self.bytes)
XB_RECORDED(execute::AgentDone, self.operation, self.status, self.rc, self.exit_reason, self.output,
            self.started_at, self.ended_at)
XB_RECORDED(node::ProcessExited, self.resource, self.pid, self.code, self.signal, self.was_oom,
            self.at)
XB_RECORDED(node::ClientRequest, self.client, self.user, self.body)
XB_RECORDED(node::Wake)
XB_RECORDED(node::Degraded, self.what, self.reason)
XB_RECORDED(arbiter::ArbiterAnswer, self.request, self.reply, self.holder, self.until, self.reason)
XB_RECORDED(node::LeaseSeen, self.peer, self.until)
XB_RECORDED(node::AgentDescribed, self.provider, self.type, self.metadata)

// Outputs: only written, to be digested.
XB_RECORDED(Note, self.level, self.kind, self.node, self.resource, self.text, self.fields, self.at)
XB_RECORDED(node::AppendRecord, self.index, self.bytes)
XB_RECORDED(node::TruncateLog, self.from)
XB_RECORDED(node::SaveSnapshot, self.index, self.bytes)
XB_RECORDED(node::PutMeta, self.key, self.value)
XB_RECORDED(node::Write, self.ticket, self.body)
XB_RECORDED(node::Message, self.peer, self.bytes)
XB_RECORDED(execute::RunAgent, self.operation, self.agent_class, self.provider, self.type,
            self.resource, self.action, self.timeout, self.parameters, self.watch)
XB_RECORDED(node::KillAgent, self.operation)
XB_RECORDED(node::Unwatch, self.resource)
XB_RECORDED(node::AcceptPeer, self.peer, self.heart)
XB_RECORDED(node::ForgetPeer, self.peer)
XB_RECORDED(node::SetGrant, self.peer, self.lease)
XB_RECORDED(node::ResetChannel, self.peer)
XB_RECORDED(arbiter::AskArbiter, self.arbiter, self.request, self.asking, self.lease, self.patience)
XB_RECORDED(node::SetExclusivity, self.until)
XB_RECORDED(node::SetManaged, self.addresses)
XB_RECORDED(node::StopWatchdog, self.reason)
XB_RECORDED(execute::WillStop, self.call, self.after)
XB_RECORDED(node::LeaveWill, self.stops)
XB_RECORDED(node::Exit, self.keeps_gate)
XB_RECORDED(node::Output, self.persist, self.send, self.run, self.replies, self.wake_at, self.notes)

#undef XB_RECORDED

// A result is whether there is one, and then one of the two.
template <class Archive>
void fields_of(const node::Reply& self, Archive& archive) {
    archive(self.client, self.outcome.has_value());
    if (self.outcome) {
        archive(*self.outcome);
    } else {
        archive(self.outcome.error());
    }
}

template <class Self, class Archive>
requires std::is_same_v<std::remove_const_t<Self>, node::Persisted>
void fields_of(Self& self, Archive& archive) {
    std::optional<Error> error;
    if (!self.outcome) error = self.outcome.error();
    archive(self.ticket, error);
    if constexpr (!std::is_const_v<Self>) {
        self.outcome = error ? Result<void>(*error) : Result<void>();
    }
}

}  // namespace xbeat::wire
