#include "tests/sim/witness.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "xb_siphash128.h"

namespace xbeat::xsim {
namespace {

using arbiter::Finding;
using arbiter::Reply;
using wire::WitnessDatagram;

constexpr std::uint64_t kPollId = 0;  // the manager's questions begin at 1
constexpr Duration kPollPatience = std::chrono::seconds(1);

xb_tag128 tag_of(const WitnessDatagram& datagram, const std::uint64_t (&key)[2]) {
    xb_u64_alias words[wire::kWitnessBodyBytes / 8];
    std::memcpy(words, datagram.data(), sizeof words);
    const __u64 pair[2] = {key[0], key[1]};
    xb_tag128 tag = xb_siphash128_words(pair, words, wire::kWitnessBodyBytes / 8);
    tag.low = XB_LE64(tag.low);
    tag.high = XB_LE64(tag.high);
    return tag;
}

void seal(WitnessDatagram& datagram, const std::uint64_t (&key)[2]) {
    const xb_tag128 tag = tag_of(datagram, key);
    std::memcpy(datagram.data() + wire::kWitnessBodyBytes, &tag, sizeof tag);
}

bool is_sealed(const WitnessDatagram& datagram, const std::uint64_t (&key)[2]) {
    const xb_tag128 tag = tag_of(datagram, key);
    return std::memcmp(datagram.data() + wire::kWitnessBodyBytes, &tag, sizeof tag) == 0;
}

}  // namespace

WitnessKeys make_witness_keys(std::uint64_t secret) {
    WitnessKeys keys;
    keys.cluster = mix(secret, 200) | 1U;
    for (std::uint64_t word = 0; word < 2; ++word) {
        keys.request[word] = mix(secret, 210 + word);
        keys.answer[word] = mix(secret, 220 + word);
    }
    return keys;
}

void WitnessHost::start(std::uint64_t life, Instant now) {
    ledger_.emplace(arbiter::WitnessLedger::Options{.life = life, .started = now, .clusters = 1});
}

bool WitnessHost::keeps_for(NodeId node, Instant until) const {
    if (!ledger_ || until <= ledger_->starting_until()) return true;
    return ledger_->holder(0, until - Duration(1)) == node;
}

std::optional<WitnessDatagram> WitnessHost::take(const WitnessDatagram& datagram, Instant now) {
    if (!ledger_) return std::nullopt;
    if (wire::witness_cluster(datagram) != keys_.cluster) return std::nullopt;
    if (!is_sealed(datagram, keys_.request)) return std::nullopt;
    const auto request = wire::decode_witness_request(datagram);
    if (!request) return std::nullopt;
    WitnessDatagram answer = wire::encode_witness(ledger_->answer(0, *request, now));
    seal(answer, keys_.answer);
    return answer;
}

WitnessClient::WitnessClient(const Options& options, Instant now)
    : options_(options),
      asker_({.cluster = options.keys.cluster, .node = options.node, .life = options.life}),
      poll_at_(now) {}

void WitnessClient::ask(const arbiter::AskArbiter& question, Instant now) {
    const bool is_release = question.asking == arbiter::Asking::Release;
    asker_.ask({.id = question.request,
                .kind = is_release ? wire::WitnessKind::Release : wire::WitnessKind::Claim,
                .lease = question.lease,
                .deadline = now + question.patience},
               now);
    digest(now);
}

void WitnessClient::take(const WitnessDatagram& datagram, Instant now) {
    if (wire::witness_cluster(datagram) != options_.keys.cluster) return;
    if (!is_sealed(datagram, options_.keys.answer)) return;
    const auto answer = wire::decode_witness_answer(datagram);
    if (!answer) return;
    asker_.take(*answer, now);
    digest(now);
}

void WitnessClient::tick(Instant now) {
    asker_.tick(now);
    digest(now);
    if (asker_.is_open() || now < poll_at_) return;
    poll_at_ = now + options_.poll_every;
    asker_.ask({.id = kPollId,
                .kind = wire::WitnessKind::Query,
                .lease = {},
                .deadline = now + kPollPatience},
               now);
    digest(now);
}

void WitnessClient::digest(Instant now) {
    for (const arbiter::WitnessFinding& found : asker_.take_findings()) {
        if (found.id == kPollId) {
            poll_at_ = now + options_.poll_every;
        } else {
            answers_.push_back(answer_to(found, now));
        }
    }
    if (!asker_.is_open()) poll_at_ = std::min(poll_at_, now + options_.poll_every);
}

arbiter::ArbiterAnswer WitnessClient::answer_to(const arbiter::WitnessFinding& found, Instant now) {
    arbiter::ArbiterAnswer answer{.request = found.id,
                                  .reply = Reply::Unreachable,
                                  .holder = found.holder,
                                  .until = {},
                                  .reason = {}};
    switch (found.finding) {
        case Finding::Granted:
            answer.reply = Reply::Granted;
            answer.until = found.until;
            break;
        case Finding::Held:
            answer.reply = Reply::Refused;
            break;
        case Finding::Released:
            answer.reply = Reply::Released;
            break;
        case Finding::Starting:
            answer.reply = Reply::NotReady;
            answer.until = now + found.remaining;
            break;
        case Finding::Contested:
            answer.reply = Reply::NotReady;
            break;
        case Finding::Told:
        case Finding::Superseded:
        case Finding::Unreachable:
            break;
    }
    return answer;
}

Instant WitnessClient::deadline() const { return asker_.wake_at().value_or(poll_at_); }

std::vector<WitnessDatagram> WitnessClient::take_datagrams() {
    std::vector<WitnessDatagram> out;
    for (const wire::WitnessRequest& request : asker_.take_requests()) {
        out.push_back(wire::encode_witness(request));
        seal(out.back(), options_.keys.request);
    }
    return out;
}

std::vector<arbiter::ArbiterAnswer> WitnessClient::take_answers() {
    return std::exchange(answers_, {});
}

}  // namespace xbeat::xsim
