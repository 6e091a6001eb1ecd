#include "net/connection.h"

#include <algorithm>

#include "core/check.h"

namespace xbeat::net {

void Connection::open(sys::Fd socket) {
    XB_CHECK(state == State::Free);
    socket_ = std::move(socket);
    input_.resize(kReadBytes);
}

void Connection::connect(ring::Ring& ring, const SocketAddress& address) {
    address_ = address;
    is_connecting_ = true;
    ring.connect(socket_.get(), address_.get(), address_.length, token(ring::Op::PeerConnect));
}

void Connection::receive(ring::Ring& ring) {
    if (is_receiving_) return;
    is_receiving_ = true;
    ring.receive(socket_.get(), input_, token(ring::Op::PeerReceive));
}

std::string_view Connection::received(std::int32_t count) {
    is_receiving_ = false;
    if (count <= 0) return {};
    return std::string_view(input_).substr(0, static_cast<std::size_t>(count));
}

void Connection::sent(std::int32_t count) {
    is_sending_ = false;
    if (count > 0) output_at_ += static_cast<std::size_t>(count);
}

/// Encrypts up to kBatchBytes of what waits, whole frames one after the other.
Result<void> Connection::fill(const Session* session) {
    std::string batch;
    while (batch.size() < kBatchBytes) {
        if (partial_ != nullptr) {
            const std::size_t count =
                std::min(partial_->size() - partial_at_, kBatchBytes - batch.size());
            batch.append(*partial_, partial_at_, count);
            partial_at_ += count;
            if (partial_at_ == partial_->size()) partial_ = nullptr;
            continue;
        }
        if (!urgent_.empty()) {
            batch += std::exchange(urgent_, {});
            continue;
        }
        if (session == nullptr || state != State::Up) break;
        if (std::exchange(acknowledge, false)) {
            batch += encode_ack(session->received());
            continue;
        }
        partial_ = session->next_frame(cursor);
        partial_at_ = 0;
        if (partial_ == nullptr) break;
    }
    return tls->write(batch);
}

Result<void> Connection::pump(ring::Ring& ring, const Session* session) {
    if (is_sending_ || !tls || state == State::Closing) return {};
    if (output_at_ == output_.size()) {
        if (tls->is_ready()) XB_TRY(fill(session));
        output_ = tls->take_output();
        output_at_ = 0;
        if (output_.empty()) return {};
    }
    is_sending_ = true;
    ring.send(socket_.get(), std::string_view(output_).substr(output_at_),
              token(ring::Op::PeerSend));
    return {};
}

bool Connection::has_unsent(const Session& session) const {
    std::uint64_t from = cursor;
    return is_sending_ || output_at_ < output_.size() || !urgent_.empty() || partial_ != nullptr ||
           session.next_frame(from) != nullptr;
}

Result<std::optional<Connection::Frame>> Connection::next() {
    const std::optional<FrameHeader> header = XB_TRY(decode_header(plain));
    if (!header) return std::optional<Frame>{};
    const std::size_t total = kHeaderBytes + header->length;
    if (plain.size() < total) return std::optional<Frame>{};
    Frame frame{.header = *header, .payload = plain.substr(kHeaderBytes, header->length)};
    plain.erase(0, total);
    return std::optional<Frame>{std::move(frame)};
}

void Connection::close(ring::Ring& ring, std::string_view alert) {
    if (state == State::Free || state == State::Closing) return;
    state = State::Closing;
    // An alert that does not fit is lost, as everything may be at a close.
    if (!alert.empty() && !is_connecting_ && !is_sending_)
        static_cast<void>(
            ::send(socket_.get(), alert.data(), alert.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    // ENOTCONN is what a socket that never connected says; the cancellations do the rest.
    static_cast<void>(::shutdown(socket_.get(), SHUT_RDWR));
    if (is_connecting_) ring.cancel(token(ring::Op::PeerConnect));
    if (is_receiving_) ring.cancel(token(ring::Op::PeerReceive));
    if (is_sending_) ring.cancel(token(ring::Op::PeerSend));
}

bool Connection::free_if_idle() {
    if (state == State::Free) return true;
    if (state != State::Closing || is_connecting_ || is_receiving_ || is_sending_) return false;
    const std::uint16_t place = slot;
    const std::uint32_t next_generation = generation + 1;
    *this = Connection{};
    slot = place;
    generation = next_generation;
    return true;
}

}  // namespace xbeat::net
