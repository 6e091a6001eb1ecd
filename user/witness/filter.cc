#include "witness/filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "sys/system_error.h"
#include "xb_witness.h"
// Generated, and clang finds conversions in it that are not ours to mend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "skel/witness.skel.h"
#include "sys/quiet_libbpf.h"
#pragma GCC diagnostic pop

namespace xbeat::witness {
namespace {

Result<std::vector<std::string>> interfaces_that_are_up() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return sys::system_error("cannot list the interfaces");
    std::set<std::string> names;
    for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
        const bool is_wanted =
            (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0;
        if (is_wanted) names.insert(each->ifa_name);
    }
    ::freeifaddrs(list);
    return std::vector<std::string>(names.begin(), names.end());
}

xb_witness_place place_of(const Filter::Options& options) {
    xb_witness_place place{};
    place.port = options.port;
    if (options.address.family == heart::IpAddress::Family::None) return place;
    place.family = options.address.family == heart::IpAddress::Family::V4 ? 4 : 6;
    std::memcpy(place.address, options.address.bytes.data(), options.address.size());
    return place;
}

}  // namespace

std::optional<FilterMode> parse_filter_mode(std::string_view word) {
    if (word == "off") return FilterMode::Off;
    if (word == "auto") return FilterMode::Auto;
    if (word == "native") return FilterMode::Native;
    if (word == "generic") return FilterMode::Generic;
    return std::nullopt;
}

void Filter::Destroy::operator()(witness_bpf* skeleton) const { witness_bpf::destroy(skeleton); }

Filter::Filter(std::unique_ptr<witness_bpf, Destroy> skeleton) : skeleton_(std::move(skeleton)) {}
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;
Filter::~Filter() = default;

Result<Filter> Filter::create(const Options& options, const std::vector<ClusterKey>& keys) {
    const sys::QuietLibbpf quiet;
    std::unique_ptr<witness_bpf, Destroy> skeleton(witness_bpf::open());
    if (skeleton == nullptr) return sys::system_error("cannot open the witness's XDP program");
    const xb_witness_place place = place_of(options);
    std::memcpy(const_cast<xb_witness_place*>(&skeleton->rodata->witness_place), &place,
                sizeof place);
    if (witness_bpf::load(skeleton.get()) != 0)
        return sys::system_error("the kernel does not load the witness's XDP program");
    Filter made(std::move(skeleton));
    XB_TRY(made.replace_keys(keys));
    const std::vector<std::string> interfaces =
        options.interfaces.empty() ? XB_TRY(interfaces_that_are_up()) : options.interfaces;
    for (const std::string& interface : interfaces) made.attach(options, interface);
    if (!made.links_.empty()) return made;
    return Error{.code = Code::Unavailable,
                 .context = interfaces.empty()
                                ? std::string("no interface is up")
                                : fmt::format("{}: {}", made.places_.front().interface,
                                              made.places_.front().trouble)};
}

void Filter::attach(const Options& options, const std::string& interface) {
    const unsigned index = ::if_nametoindex(interface.c_str());
    if (index == 0) {
        places_.push_back(
            {.interface = interface, .mode = {}, .trouble = "there is no such interface"});
        return;
    }
    const std::array<std::pair<std::uint32_t, const char*>, 2> ways = {
        {{XDP_FLAGS_DRV_MODE, "native"}, {XDP_FLAGS_SKB_MODE, "generic"}}};
    std::string trouble;
    for (const auto& [flags, name] : ways) {
        if (options.mode == FilterMode::Native && flags != XDP_FLAGS_DRV_MODE) continue;
        if (options.mode == FilterMode::Generic && flags != XDP_FLAGS_SKB_MODE) continue;
        LIBBPF_OPTS(bpf_link_create_opts, how, .flags = flags);
        sys::Fd link(::bpf_link_create(program(), static_cast<int>(index), BPF_XDP, &how));
        if (link.is_open()) {
            links_.push_back(std::move(link));
            places_.push_back({.interface = interface, .mode = name, .trouble = {}});
            return;
        }
        trouble = errno == EBUSY ? "another XDP program is there" : std::strerror(errno);
    }
    places_.push_back({.interface = interface, .mode = {}, .trouble = trouble});
}

Result<void> Filter::replace_keys(const std::vector<ClusterKey>& keys) {
    const int map = ::bpf_map__fd(skeleton_->maps.witness_keys);
    std::set<std::uint64_t> wanted;
    for (const ClusterKey& key : keys) {
        xb_witness_key value{};
        value.words[0] = key.request.words[0];
        value.words[1] = key.request.words[1];
        if (::bpf_map_update_elem(map, &key.id, &value, BPF_ANY) != 0)
            return sys::system_error("cannot give the XDP program its keys");
        wanted.insert(key.id);
    }
    std::vector<std::uint64_t> old;
    std::uint64_t at = 0;
    const std::uint64_t* before = nullptr;
    while (::bpf_map_get_next_key(map, before, &at) == 0) {
        if (!wanted.contains(at)) old.push_back(at);
        before = &at;
    }
    for (const std::uint64_t id : old) {
        if (::bpf_map_delete_elem(map, &id) != 0 && errno != ENOENT)
            return sys::system_error("cannot take a key from the XDP program");
    }
    return {};
}

Filter::Counts Filter::counts() const {
    const int processors = ::libbpf_num_possible_cpus();
    std::vector<std::uint64_t> rows(static_cast<std::size_t>(std::max(processors, 1)));
    const auto total = [&](std::uint32_t outcome) {
        std::fill(rows.begin(), rows.end(), 0);
        std::uint64_t sum = 0;
        if (::bpf_map_lookup_elem(::bpf_map__fd(skeleton_->maps.witness_counts), &outcome,
                                  rows.data()) != 0)
            return sum;
        for (const std::uint64_t row : rows) sum += row;
        return sum;
    };
    return {.passed = total(XB_WITNESS_PASSED),
            .malformed = total(XB_WITNESS_MALFORMED),
            .unknown_cluster = total(XB_WITNESS_UNKNOWN),
            .wrong_tag = total(XB_WITNESS_WRONG_TAG)};
}

std::string Filter::describe() const {
    std::string text = "xdp:";
    for (const Place& place : places_) {
        text +=
            fmt::format("{} {} {}", text.size() == 4 ? "" : ",", place.interface,
                        place.mode.empty() ? fmt::format("not ({})", place.trouble) : place.mode);
    }
    return text;
}

int Filter::program() const { return ::bpf_program__fd(skeleton_->progs.witness_filter); }

}  // namespace xbeat::witness
