// `xbeat disk`: the shared disk that breaks the tie of a pair.
#include <fmt/format.h>

#include <memory>

#include "cli/nouns.h"
#include "daemon/config.h"
#include "disk/prepare.h"

namespace xbeat::cli {
namespace {

struct DiskLine {
    bool force = false;
    std::string device;
};

Result<disk::DiskKey> load_disk_key(const daemon::Config& config) {
    const heart::Secret secret = XB_TRY(daemon::load_key(config.key_file));
    return disk::derive_disk_key(secret, config.cluster);
}

ExitCode init(Session& session, const DiskLine& line) {
    const Result<daemon::Config> config = daemon::load_config(session.config_file);
    if (!config) return fail(session, config.error());
    const Result<disk::DiskKey> key = load_disk_key(*config);
    if (!key) return fail(session, key.error());
    if (line.force &&
        !is_confirmed(session, fmt::format("This overwrites the first {} KiB of {}. Both nodes' "
                                           "daemons must be stopped.",
                                           disk::kDiskBytes / 1024, line.device)))
        return fail(session, {.code = Code::Invalid, .context = "nothing was changed"});
    const Result<void> outcome = disk::prepare(
        line.device, *key, line.force ? disk::Overwrite::Whatever : disk::Overwrite::Never);
    if (!outcome) return fail(session, outcome.error());
    session.out << fmt::format(
        "{} is prepared for cluster `{}`; name it on both nodes: [arbiter] "
        "kind = \"disk\", disk = \"...\"\n",
        line.device, config->cluster);
    return ExitCode::Ok;
}

ExitCode show(Session& session) {
    const Result<daemon::Config> config = daemon::load_config(session.config_file);
    if (!config) return fail(session, config.error());
    if (config->arbiter.kind != node::ArbiterKind::Disk)
        return fail(session, {.code = Code::NotFound,
                              .context = fmt::format("{} names no shared disk: its arbiter is `{}`",
                                                     session.config_file,
                                                     arbiter::to_string(config->arbiter.kind))});
    const Result<disk::DiskKey> key = load_disk_key(*config);
    if (!key) return fail(session, key.error());
    std::vector<NodeId> nodes;
    for (const daemon::NodeConfig& node : config->nodes) nodes.push_back(node.id);
    const auto blocks = disk::inspect(config->arbiter.disk, *key, nodes);
    if (!blocks) return fail(session, blocks.error());
    for (const disk::NodeBlock& row : *blocks) {
        const std::string& name = config->find(row.node)->name;
        if (row.is_damaged)
            session.out << fmt::format("{}: its block is damaged\n", name);
        else if (row.block.is_up)
            session.out << fmt::format(
                "{}: holds or wants the lease, {} ms with each write, {} "
                "writes\n",
                name, row.block.lease.count() / 1'000'000, row.block.number);
        else
            session.out << fmt::format("{}: does not hold the lease, {} writes\n", name,
                                       row.block.number);
    }
    return ExitCode::Ok;
}

}  // namespace

void add_disk(const Command& root) {
    Command noun = root.verb("disk", "The shared disk that breaks the tie");
    noun.needs_verb();
    if (!noun.is_wanted()) return;
    noun.footer("Examples:\n  xbeat disk init /dev/disk/by-id/shared\n  xbeat disk status");
    const auto line = std::make_shared<DiskLine>();

    Command prepare = noun.verb("init", "Make a shared disk this cluster's");
    prepare.required("DEVICE", line->device, "a block device that both nodes see");
    prepare.flag("--force", line->force, "Also if something is on it, which is lost");
    prepare.footer("Example:\n  xbeat disk init /dev/disk/by-id/shared");
    prepare.runs([line](Session& session) { return init(session, *line); });

    Command status = noun.verb("status", "Show the nodes' blocks on it");
    status.footer("Needs no daemon; changes nothing.\nExample:\n  xbeat disk status");
    status.runs([](Session& session) { return show(session); });
}

}  // namespace xbeat::cli
