#include "heart/heart.h"

#include <bpf/libbpf.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "heart/beat_key.h"
#include "heart/bpf_fs.h"
#include "heart/interconnect.h"
#include "heart/kernel.h"
#include "heart/metronome.h"
#include "heart/options.h"
#include "heart/status.h"
#include "heart/udp_beat.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"

namespace xbeat::heart {
namespace {

constexpr int kEventsPerDrain = 1024;
constexpr Duration kCheckEvery = 500ms;  // links and attachments; found and put right within 1 s
constexpr std::uint32_t kEventWords = 1024;

Result<sys::Fd> make_epoll() {
    sys::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll.is_open()) return sys::system_error("epoll");
    return epoll;
}

Result<void> watch(const sys::Fd& epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return sys::system_error("epoll");
    return {};
}

Result<sys::Fd> make_timer(Duration period) {
    sys::Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!timer.is_open()) return sys::system_error("timerfd");
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(period);
    itimerspec interval{};
    interval.it_interval.tv_sec = seconds.count();
    interval.it_interval.tv_nsec = (period - seconds).count();
    interval.it_value = interval.it_interval;
    if (::timerfd_settime(timer.get(), 0, &interval, nullptr) != 0) {
        return sys::system_error("timerfd");
    }
    return timer;
}

/// How often the timer rang since the last look.
std::uint64_t rings(const sys::Fd& timer) {
    std::uint64_t count = 0;
    return ::read(timer.get(), &count, sizeof count) == sizeof count ? count : 0;
}

struct FreeRing {
    void operator()(ring_buffer* ring) const { ::ring_buffer__free(ring); }
};

}  // namespace

class Heart::Impl {
public:
    explicit Impl(Options options) : options_(std::move(options)) {}
    ~Impl() { ::OPENSSL_cleanse(options_.secret.data(), options_.secret.size()); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void> start();
    Result<void> stop();
    Result<void> set_peer(NodeId peer, std::uint64_t incarnation);
    Result<void> forget_peer(NodeId peer);
    Result<void> accept_key(KeyId id, const Secret& secret);
    Result<void> send_with_key(KeyId id);
    std::size_t drain(const std::function<void(const HeartEvent&)>& callback);
    Result<void> handle_netlink(const std::function<void(const HeartEvent&)>& callback);
    [[nodiscard]] Status status() const;

    [[nodiscard]] const Store& store() const { return store_; }
    [[nodiscard]] int event_fd() const { return reflex_epoll_.get(); }
    [[nodiscard]] int netlink_fd() const { return manager_epoll_.get(); }

private:
    Result<void> start_kernel();
    Result<void> start_udp();
    Result<void> listen();
    Result<void> write_keys();
    Result<void> write_key(NodeId peer, PathId path);
    void watch_beat(const std::function<void(const HeartEvent&)>& callback);
    void report_beat(EventKind kind, const std::function<void(const HeartEvent&)>& callback) const;
    static int take_record(void* context, void* data, std::size_t size);
    [[nodiscard]] const PeerOptions* peer_of(NodeId node) const;

    Options options_;
    std::array<std::optional<std::pair<KeyId, Secret>>, 2> secrets_;
    std::optional<Netlink> netlink_;
    std::optional<Netlink> changes_;
    std::optional<Kernel> kernel_;
    std::unique_ptr<UdpBeat> udp_;
    std::optional<Metronome> metronome_;
    std::optional<Interconnect> interconnect_;
    Store store_;
    bool adopted_ = false;
    bool stopped_ = false;

    // The reflex thread's.
    sys::Fd reflex_epoll_;
    sys::Fd beat_timer_;
    std::unique_ptr<ring_buffer, FreeRing> ring_;
    UdpBeat::Events udp_events_;
    const std::function<void(const HeartEvent&)>* callback_ = nullptr;
    std::size_t drained_ = 0;
    std::uint64_t laps_seen_ = 0;
    bool beat_is_lost_ = false;

    // The other thread's.
    sys::Fd manager_epoll_;
    sys::Fd check_timer_;
    Interconnect::Events troubles_;
};

const PeerOptions* Heart::Impl::peer_of(NodeId node) const {
    for (const PeerOptions& peer : options_.peers) {
        if (peer.node == node) return &peer;
    }
    return nullptr;
}

Result<void> Heart::Impl::write_key(NodeId peer, PathId path) {
    xb_keys keys{};
    for (std::size_t slot = 0; slot < secrets_.size(); slot++) {
        if (!secrets_.at(slot)) continue;
        const auto& [id, secret] = *secrets_.at(slot);
        BeatKeyLabel label{.cluster_tag = options_.cluster_tag,
                           .sender = options_.self,
                           .receiver = peer,
                           .path = path,
                           .key_id = id};
        const BeatKey send = XB_TRY(derive_beat_key(secret, label));
        std::swap(label.sender, label.receiver);
        const BeatKey receive = XB_TRY(derive_beat_key(secret, label));
        std::copy(send.begin(), send.end(), keys.send[slot]);
        std::copy(receive.begin(), receive.end(), keys.receive[slot]);
        keys.id[slot] = id.value | XB_KEY_VALID;
    }
    const std::size_t place = place_of(peer.value, path.value);
    if (udp_) udp_->write_keys(place, keys);
    Result<void> written = kernel_ ? kernel_->write_keys(place, keys) : Result<void>();
    ::OPENSSL_cleanse(&keys, sizeof keys);
    return written;
}

Result<void> Heart::Impl::write_keys() {
    for (const PeerOptions& peer : options_.peers) {
        for (const PeerPath& path : peer.paths) XB_TRY(write_key(peer.node, path.path));
    }
    return {};
}

Result<void> Heart::Impl::start_kernel() {
    const Kernel::Options options = {
        .pin_dir = options_.pin_dir, .self = options_.self, .peers_max = options_.peers_max};
    kernel_ = XB_TRY(Kernel::adopt(options));
    adopted_ = kernel_.has_value();
    if (!adopted_) {
        Kernel::remove(options_.pin_dir);
        XB_TRY(Metronome::remove(*netlink_));
        kernel_ = XB_TRY(Kernel::load(options));
    }
    store_ = kernel_->store();
    XB_TRY(write_control(options_, store_, !adopted_));
    XB_TRY(write_keys());
    write_roster(options_, store_);
    interconnect_.emplace(options_, *netlink_, store_, &*kernel_, nullptr);
    XB_TRY(interconnect_->start());
    metronome_ =
        XB_TRY(Metronome::create(*netlink_, store_, kernel_->tick_program(), options_.period));
    return {};
}

Result<void> Heart::Impl::start_udp() {
    udp_ = std::make_unique<UdpBeat>(options_.peers_max, XB_TRY(make_epoll()));
    udp_events_.reserve(kEventWords);
    store_ = udp_->store();
    adopted_ = false;
    XB_TRY(write_control(options_, store_, true));
    XB_TRY(write_keys());
    write_roster(options_, store_);
    interconnect_.emplace(options_, *netlink_, store_, nullptr, udp_.get());
    return interconnect_->start();
}

Result<void> Heart::Impl::start() {
    netlink_ = XB_TRY(Netlink::open());
    // Joined before anything is looked up, so that no change falls between.
    changes_ = XB_TRY(Netlink::listen());
    secrets_.at(options_.key_id.value & 1U) = {options_.key_id, options_.secret};
    if (options_.mode == Mode::Udp) {
        XB_TRY(start_udp());
    } else {
        const Result<void> started = start_kernel();
        const bool may_fall_back =
            options_.mode == Mode::Auto && !started &&
            (started.error().code == Code::Unavailable || started.error().code == Code::NotFound);
        if (!started && !may_fall_back) return started.error();
        if (may_fall_back) {
            XB_TRY(Metronome::remove(*netlink_));
            Kernel::remove(options_.pin_dir);
            interconnect_.reset();
            kernel_.reset();
            XB_TRY(start_udp());
        }
    }
    return listen();
}

Result<void> Heart::Impl::listen() {
    reflex_epoll_ = XB_TRY(make_epoll());
    // In UDP mode this timer is the beat; else it is what notices that the beat is lost.
    const Duration bell =
        udp_ ? options_.period : std::clamp<Duration>(20 * options_.period, 100ms, 1s);
    beat_timer_ = XB_TRY(make_timer(bell));
    XB_TRY(watch(reflex_epoll_, beat_timer_.get()));
    if (udp_) XB_TRY(watch(reflex_epoll_, udp_->fd()));
    if (kernel_) {
        ring_.reset(::ring_buffer__new(kernel_->events_map(), &Impl::take_record, this, nullptr));
        if (!ring_) return sys::system_error("open the event ring");
        XB_TRY(watch(reflex_epoll_, ::ring_buffer__epoll_fd(ring_.get())));
        laps_seen_ = observe(store_.laps->count);
    }
    manager_epoll_ = XB_TRY(make_epoll());
    check_timer_ = XB_TRY(make_timer(kCheckEvery));
    XB_TRY(watch(manager_epoll_, check_timer_.get()));
    return watch(manager_epoll_, changes_->fd());
}

// The values stay readable until the object goes; only what runs and what is pinned ends here.
Result<void> Heart::Impl::stop() {
    if (stopped_) return {};
    stopped_ = true;
    for (std::uint8_t i = 0; i < XB_PATHS_MAX; i++) {
        if (udp_) udp_->close_link(PathId{i});
        if (kernel_) kernel_->detach(PathId{i});
    }
    if (!kernel_) return {};
    const Result<void> removed = Metronome::remove(*netlink_);
    Kernel::remove(options_.pin_dir);
    remove_pin_folder(options_.pin_dir);
    return removed;
}

Result<void> Heart::Impl::set_peer(NodeId node, std::uint64_t incarnation) {
    XB_CHECK(incarnation != 0);
    if (peer_of(node) == nullptr) {
        return Error{.code = Code::NotFound,
                     .context = concat("heart: no peer ", node.value, " is configured"),
                     .system_errno = 0};
    }
    xb_peer& peer = store_.peers[node.value];
    const bool is_dead = observe(peer.state) == XB_PEER_DEAD;
    if (peer.incarnation == incarnation && !is_dead) return {};
    publish(peer.grant_ns, 0U);
    publish(peer.incarnation, incarnation);
    publish(peer.epoch, peer.epoch + 1);
    return {};
}

Result<void> Heart::Impl::forget_peer(NodeId node) {
    if (peer_of(node) == nullptr) {
        return Error{.code = Code::NotFound,
                     .context = concat("heart: no peer ", node.value, " is configured"),
                     .system_errno = 0};
    }
    xb_peer& peer = store_.peers[node.value];
    publish(peer.grant_ns, 0U);
    publish(peer.incarnation, 0U);
    publish(peer.epoch, peer.epoch + 1);
    return {};
}

Result<void> Heart::Impl::accept_key(KeyId id, const Secret& secret) {
    const auto next = static_cast<std::uint8_t>(observe(store_.control->key_id) + 1);
    if (id.value != next) {
        return Error{.code = Code::Invalid,
                     .context = concat("heart: the next key is ", next, ", not ", id.value),
                     .system_errno = 0};
    }
    secrets_.at(id.value & 1U) = {id, secret};
    return write_keys();
}

Result<void> Heart::Impl::send_with_key(KeyId id) {
    const auto& held = secrets_.at(id.value & 1U);
    if (!held || held->first != id) {
        return Error{.code = Code::NotFound,
                     .context = concat("heart: key ", id.value, " was not accepted before"),
                     .system_errno = 0};
    }
    publish(store_.control->key_id, std::uint32_t{id.value});
    return {};
}

int Heart::Impl::take_record(void* context, void* data, std::size_t size) {
    auto& self = *static_cast<Impl*>(context);
    if (size < sizeof(xb_event)) return 0;
    xb_event record{};
    std::memcpy(&record, data, sizeof record);
    (*self.callback_)(to_event(record));
    self.drained_++;
    // A negative answer ends this call of the ring; the record is consumed all the same.
    return self.drained_ < kEventsPerDrain ? 0 : -EAGAIN;
}

void Heart::Impl::report_beat(EventKind kind,
                              const std::function<void(const HeartEvent&)>& callback) const {
    HeartEvent event;
    event.kind = kind;
    event.trouble = Trouble::BeatLost;
    event.at = sys::boot_now();
    callback(event);
}

void Heart::Impl::watch_beat(const std::function<void(const HeartEvent&)>& callback) {
    const std::uint64_t laps = observe(store_.laps->count);
    if (laps != laps_seen_) {
        laps_seen_ = laps;
        if (beat_is_lost_) report_beat(EventKind::Restored, callback);
        beat_is_lost_ = false;
        return;
    }
    // Fails while the pair is missing, until handle_netlink() has repaired it.
    (void)metronome_->start(store_);
    if (!beat_is_lost_) report_beat(EventKind::Degraded, callback);
    beat_is_lost_ = true;
}

std::size_t Heart::Impl::drain(const std::function<void(const HeartEvent&)>& callback) {
    if (stopped_) return 0;
    callback_ = &callback;
    drained_ = 0;
    const bool bell_rang = rings(beat_timer_) > 0;
    if (ring_) (void)::ring_buffer__consume(ring_.get());
    if (kernel_ && bell_rang) watch_beat(callback);
    if (udp_) {
        udp_->receive();
        if (bell_rang) udp_->beat(sys::boot_now(), udp_events_);
        for (const xb_event& record : udp_events_) callback(to_event(record));
        drained_ = udp_events_.size();
        udp_events_.clear();
    }
    return drained_;
}

Result<void> Heart::Impl::handle_netlink(const std::function<void(const HeartEvent&)>& callback) {
    if (stopped_) return {};
    Result<void> outcome;
    const auto keep = [&outcome](const Result<void>& result) {
        if (!result && outcome) outcome = result.error();
    };
    keep(changes_->receive(
        [&](const NetlinkEvent& change) { keep(interconnect_->handle(change, troubles_)); }));
    if (rings(check_timer_) > 0) {
        keep(interconnect_->check(troubles_));
        if (kernel_) {
            const Result<bool> repaired =
                metronome_->repair(*netlink_, store_, kernel_->tick_program(), options_.period);
            if (!repaired) keep(repaired.error());
        }
    }
    for (const HeartEvent& trouble : troubles_) callback(trouble);
    troubles_.clear();
    return outcome;
}

Status Heart::Impl::status() const {
    Status status;
    status.self = options_.self;
    status.incarnation = store_.control->incarnation;
    status.adopted = adopted_;
    status.period = options_.period;
    const xb_laps& laps = *store_.laps;
    status.ticks = observe(laps.count);
    status.ticks_late = observe(laps.late);
    status.ticks_held = observe(laps.held);
    status.sees_backlog = observe(store_.control->cpus) > 0;
    status.tick_gap_max = Duration(static_cast<std::int64_t>(observe(laps.gap_max_ns)));
    if (status.ticks > 1) {
        const std::uint64_t span = observe(laps.last_ns) - observe(laps.first_ns);
        status.period_measured = Duration(static_cast<std::int64_t>(span / (status.ticks - 1)));
    }
    status.generations = observe(store_.control->generation);
    status.links = interconnect_->links();
    status.mode = udp_ ? Mode::Udp : Mode::Native;
    for (const LinkStatus& link : status.links) {
        if (link.mode == Mode::Generic && !udp_) status.mode = Mode::Generic;
    }
    for (const PeerOptions& peer : options_.peers) {
        PeerStatus added = peer_status(store_, peer.node);
        for (const PeerPath& path : peer.paths) {
            PathStatus shown = path_status(store_, peer.node, path.path);
            shown.interface = interconnect_->interface_of(path.path);
            for (const LinkOptions& link : options_.links) {
                if (link.path == path.path) shown.local = link.local;
            }
            added.paths.push_back(shown);
        }
        status.peers.push_back(added);
    }
    status.counters = counters(store_);
    return status;
}

Result<Heart> Heart::create(Options options) {
    XB_TRY(check_options(options));
    if (options.mode != Mode::Udp && ::geteuid() != 0) {
        return Error{.code = Code::Denied,
                     .context = "heart: BPF and network set-up need root",
                     .system_errno = 0};
    }
    auto impl = std::make_unique<Impl>(std::move(options));
    ::OPENSSL_cleanse(options.secret.data(), options.secret.size());
    XB_TRY(impl->start());
    return Heart(std::move(impl));
}

Heart::Heart(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Heart::Heart(Heart&&) noexcept = default;
Heart& Heart::operator=(Heart&&) noexcept = default;
Heart::~Heart() = default;

Result<void> Heart::stop() { return impl_->stop(); }
std::uint64_t Heart::own_incarnation() const { return impl_->store().control->incarnation; }
Result<void> Heart::set_peer(NodeId peer, std::uint64_t incarnation) {
    return impl_->set_peer(peer, incarnation);
}
Result<void> Heart::forget_peer(NodeId peer) { return impl_->forget_peer(peer); }

void Heart::set_progress(std::uint32_t daemon, std::uint32_t executor) {
    xb_control& control = *impl_->store().control;
    publish(control.executor_progress, executor);
    publish(control.daemon_progress, daemon);
}

void Heart::set_flags(std::uint32_t flags) { publish(impl_->store().control->flags, flags); }

void Heart::set_grant(NodeId peer, Duration lease) {
    const auto& peers = impl_->store().peers;
    if (peer.value >= peers.size() || lease < 0ns) return;
    publish(peers[peer.value].grant_ns, lease.count());
}

Result<void> Heart::accept_key(KeyId id, const Secret& secret) {
    return impl_->accept_key(id, secret);
}
Result<void> Heart::send_with_key(KeyId id) { return impl_->send_with_key(id); }
int Heart::event_fd() const { return impl_->event_fd(); }
std::size_t Heart::drain(const std::function<void(const HeartEvent&)>& callback) {
    return impl_->drain(callback);
}
int Heart::netlink_fd() const { return impl_->netlink_fd(); }
Result<void> Heart::handle_netlink(const std::function<void(const HeartEvent&)>& callback) {
    return impl_->handle_netlink(callback);
}
Status Heart::status() const { return impl_->status(); }

}  // namespace xbeat::heart
