#include "member/link.h"

#include "core/limits.h"
#include "core/text.h"

namespace xbeat::member {

bool Link::is_overfull() const { return kept_.size() > kUnackedMax; }

std::vector<wire::Body> Link::unheard() const {
    std::vector<wire::Body> out;
    for (const Kept& kept : kept_) out.push_back(kept.body);
    return out;
}

void Link::begin(std::uint64_t session) {
    session_ = session;
    sent_ = 0;
    received_ = 0;
    is_open_ = false;
    owes_ack_ = false;
    kept_.clear();
    outgoing_.clear();
}

void Link::open(std::uint64_t peer_received) {
    forget_until(peer_received);
    outgoing_.clear();
    is_open_ = true;
    for (const Kept& kept : kept_) {
        outgoing_.emplace_back(wire::Data{
            .session = session_, .number = kept.number, .received = received_, .body = kept.body});
    }
    owes_ack_ = false;
}

void Link::close() {
    is_open_ = false;
    owes_ack_ = false;
    outgoing_.clear();
}

void Link::push(wire::Body body) {
    if (session_ == 0) return;
    kept_.push_back({.number = ++sent_, .body = std::move(body)});
    if (!is_open_) return;
    outgoing_.emplace_back(wire::Data{
        .session = session_, .number = sent_, .received = received_, .body = kept_.back().body});
    owes_ack_ = false;
}

Result<std::optional<wire::Body>> Link::take(wire::Data data) {
    if (data.session != session_ || session_ == 0) return std::optional<wire::Body>{};
    forget_until(data.received);
    owes_ack_ = true;
    if (data.number <= received_) return std::optional<wire::Body>{};
    if (data.number != received_ + 1) {
        return Error{Code::Invalid, concat("messages ", received_ + 1, " to ", data.number - 1,
                                           " of the session are missing")};
    }
    received_ = data.number;
    return std::optional<wire::Body>{std::move(data.body)};
}

void Link::acknowledge(const wire::Ack& ack) {
    if (ack.session == session_) forget_until(ack.received);
}

std::vector<wire::Message> Link::take_outgoing() {
    std::vector<wire::Message> out = std::move(outgoing_);
    outgoing_.clear();
    if (is_open_ && owes_ack_) {
        out.emplace_back(wire::Ack{.session = session_, .received = received_});
    }
    owes_ack_ = false;
    return out;
}

void Link::forget_until(std::uint64_t number) {
    while (!kept_.empty() && kept_.front().number <= number) kept_.pop_front();
}

}  // namespace xbeat::member
