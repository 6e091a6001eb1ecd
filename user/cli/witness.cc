// `xbeat witness`: the third host that breaks the tie of a pair, as this node sees it.
#include <fmt/format.h>

#include <memory>

#include "cli/answer.h"
#include "cli/nouns.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"
#include "daemon/config.h"
#include "witness/query.h"
#include "witness/status_socket.h"

namespace xbeat::cli {
namespace {

using arbiter::Finding;
using arbiter::WitnessFinding;

struct WitnessLine {
    std::string cluster;
    std::string key_file;
    std::string socket{witness::kStatusSocket};
};

double in_ms(Duration span) { return static_cast<double>(span.count()) / 1e6; }

std::string name_of(const daemon::Config& config, NodeId node) {
    const daemon::NodeConfig* const known = config.find(node);
    return known != nullptr ? known->name : concat("node ", node.value);
}

Document witness_document(const daemon::Config& config, const WitnessFinding& found) {
    Document made{{"address", heart::to_string(config.arbiter.witness)},
                  {"port", config.arbiter.witness_port},
                  {"reachable", true},
                  {"round_trip_us", found.round_trip.count() / 1000},
                  {"starting", found.finding == Finding::Starting},
                  {"holder", nullptr},
                  {"last_holder", nullptr},
                  {"remaining_ms", found.remaining.count() / 1'000'000}};
    if (found.holder != NodeId{}) made["holder"] = name_of(config, found.holder);
    if (found.last_holder != NodeId{}) made["last_holder"] = name_of(config, found.last_holder);
    return made;
}

std::string describe(const daemon::Config& config, const WitnessFinding& found) {
    if (found.finding == Finding::Starting)
        return fmt::format("it was started anew and grants nothing for {:.1f} s more",
                           in_ms(found.remaining) / 1000);
    if (found.holder != NodeId{})
        return fmt::format("the lease is held by {} for {:.0f} ms more",
                           name_of(config, found.holder), in_ms(found.remaining));
    if (found.last_holder != NodeId{})
        return fmt::format("the lease is free; {} held it last",
                           name_of(config, found.last_holder));
    return "the lease is free";
}

// The witness of this very host, as it says of itself.
ExitCode show_own(Session& session, const std::string& line) {
    const Document own = Document::parse(line, nullptr, false);
    if (!own.is_object()) {
        return fail(session, {.code = Code::Corrupt,
                              .context = "the witness's answer makes no sense; is it of this "
                                         "version?"});
    }
    std::string text = fmt::format("xbeat-witness {} on this host: {}\n", text_of(own, "version"),
                                   printable(text_of(own, "mode")));
    if (const std::int64_t starting = number_of(own, "starting_ms"); starting > 0) {
        text += fmt::format("it was started anew and grants nothing for {:.1f} s more\n",
                            static_cast<double>(starting) / 1000);
    }
    text += fmt::format("{} clusters, {} leases held\n", number_of(own, "clusters"),
                        number_of(own, "leases"));
    text += fmt::format(
        "answered: {} granted, {} held by the other, {} stale, {} while starting, "
        "{} released, {} told\n",
        number_of(own, "granted"), number_of(own, "held"), number_of(own, "stale"),
        number_of(own, "starting"), number_of(own, "released"), number_of(own, "told"));
    const auto dropped = [&own](const char* name) {
        return number_of(own, name) + number_of(own, fmt::format("xdp_{}", name).c_str());
    };
    text += fmt::format(
        "dropped: {} malformed, {} of an unknown cluster, {} with a wrong tag ({} of "
        "them by XDP); {} answers could not be sent\n",
        dropped("malformed"), dropped("unknown_cluster"), dropped("wrong_tag"),
        number_of(own, "xdp_malformed") + number_of(own, "xdp_unknown_cluster") +
            number_of(own, "xdp_wrong_tag"),
        number_of(own, "unsent"));
    return show(session, {.text = text, .document = {{"own", own}}});
}

ExitCode show_status(Session& session, const WitnessLine& line) {
    const Result<std::string> own = witness::read_status(line.socket);
    if (own) return show_own(session, *own);
    if (own.error().code != Code::NotFound) return fail(session, own.error());
    const Result<daemon::Config> config = daemon::load_config(session.config_file);
    if (!config) return fail(session, config.error());
    if (config->arbiter.kind != node::ArbiterKind::Witness)
        return fail(session, {.code = Code::NotFound,
                              .context = fmt::format("{} names no witness: its arbiter is `{}`",
                                                     session.config_file,
                                                     arbiter::to_string(config->arbiter.kind))});
    const Result<heart::Secret> secret = daemon::load_key(config->key_file);
    if (!secret) return fail(session, secret.error());
    const Result<witness::ClusterKey> key = witness::derive_key(*secret, config->cluster);
    if (!key) return fail(session, key.error());
    const Result<WitnessFinding> found = witness::query(
        config->arbiter.witness, config->arbiter.witness_port, *key, config->self, 1s);
    if (!found) return fail(session, found.error());
    return show(session, {.text = fmt::format("witness {} port {}: answers in {:.2f} ms\n{}\n",
                                              heart::to_string(config->arbiter.witness),
                                              config->arbiter.witness_port,
                                              in_ms(found->round_trip), describe(*config, *found)),
                          .document = witness_document(*config, *found)});
}

ExitCode print_key(Session& session, const WitnessLine& line) {
    std::string cluster = line.cluster;
    std::string file = line.key_file;
    if (cluster.empty() || file.empty()) {
        const Result<daemon::Config> config = daemon::load_config(session.config_file);
        if (!config) return fail(session, config.error());
        if (cluster.empty()) cluster = config->cluster;
        if (file.empty()) file = config->key_file;
    }
    const Result<heart::Secret> secret = daemon::load_key(file);
    if (!secret) return fail(session, secret.error());
    const Result<witness::ClusterKey> key = witness::derive_key(*secret, cluster);
    if (!key) return fail(session, key.error());
    const std::string row = witness::print_key(*key);
    return show(session, {.text = row + "\n", .document = {{"cluster", cluster}, {"line", row}}});
}

}  // namespace

void add_witness(const Command& root) {
    Command noun = root.verb("witness", "The third host that breaks the tie");
    noun.needs_verb();
    if (!noun.is_wanted()) return;
    noun.footer("Examples:\n  xbeat witness status\n  xbeat witness key");
    const auto line = std::make_shared<WitnessLine>();

    Command status = noun.verb("status", "Ask it how the cluster's lease stands");
    status.option("--socket", line->socket, "PATH", "Of the witness on this host");
    status.footer(
        "On the witness's host: what it does and drops. Elsewhere it is asked over the network, "
        "with "
        "or without a daemon on this node. Changes nothing.\n"
        "Example:\n  xbeat witness status --json");
    status.shows(with(line, show_status));

    Command key = noun.verb("key", "Print the cluster's line for the witness's file of keys");
    key.option("--cluster", line->cluster, "NAME", "Default: that of the node's configuration");
    key.option("--key-file", line->key_file, "FILE", "Default: that of the node's configuration");
    key.footer(
        "The line is a secret, but not the cluster's own: it is good for asking the witness only.\n"
        "Example, from a node:\n"
        "  xbeat witness key | ssh witness 'umask 077; cat >>/etc/xbeat/witness.keys'\n"
        "  ssh witness systemctl reload xbeat-witness");
    key.shows(with(line, print_key));
}

}  // namespace xbeat::cli
