// `xbeat disk`: the shared disk that breaks the tie of a pair.
#include <fmt/format.h>

#include <memory>

#include "cli/answer.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "daemon/config.h"
#include "disk/prepare.h"

namespace xbeat::cli {
namespace {

struct DiskLine {
    std::string device;
    ChangeOptions change;
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
    if (line.change.dry_run) {
        say(session,
            fmt::format("would write the first {} KiB of {} for cluster `{}`{} (nothing "
                        "was written)",
                        disk::kDiskBytes / 1024, line.device, config->cluster,
                        line.change.force ? ", whatever is there" : ", if nothing is there"));
        return ExitCode::Ok;
    }
    if (line.change.force && !line.change.yes &&
        !is_confirmed(session, fmt::format("This overwrites the first {} KiB of {}. Both nodes' "
                                           "daemons must be stopped.",
                                           disk::kDiskBytes / 1024, line.device)))
        return refuse(session);
    const Result<void> outcome = disk::prepare(
        line.device, *key, line.change.force ? disk::Overwrite::Whatever : disk::Overwrite::Never);
    if (!outcome) return fail(session, outcome.error());
    say(session, fmt::format("{} is prepared for cluster `{}`; name it on both nodes: [arbiter] "
                             "kind = \"disk\", disk = \"...\"",
                             line.device, config->cluster));
    return ExitCode::Ok;
}

ExitCode show_blocks(Session& session, const DiskLine& /*line*/) {
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
    Answer answer{.document = {{"disk", config->arbiter.disk}, {"nodes", Document::array()}}};
    for (const disk::NodeBlock& row : *blocks) {
        const std::string& name = config->find(row.node)->name;
        const std::int64_t lease_ms = row.block.lease.count() / 1'000'000;
        answer.document["nodes"].push_back({{"name", name},
                                            {"damaged", row.is_damaged},
                                            {"holds_or_wants", row.block.is_up},
                                            {"lease_ms", lease_ms},
                                            {"writes", row.block.number}});
        if (row.is_damaged)
            answer.text += fmt::format("{}: its block is damaged\n", name);
        else if (row.block.is_up)
            answer.text +=
                fmt::format("{}: holds or wants the lease, {} ms with each write, {} writes\n",
                            name, lease_ms, row.block.number);
        else
            answer.text +=
                fmt::format("{}: does not hold the lease, {} writes\n", name, row.block.number);
    }
    return show(session, answer);
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
    prepare.flag("--force", line->change.force, "Also if something is on it, which is lost");
    prepare.flag("--yes,-y", line->change.yes, "Do not ask");
    prepare.footer("Example:\n  xbeat disk init /dev/disk/by-id/shared");
    prepare.makes(line->change, with(line, init));

    Command status = noun.verb("status", "Show the nodes' blocks on it");
    status.footer("Needs no daemon; changes nothing.\nExample:\n  xbeat disk status");
    status.shows(with(line, show_blocks));
}

}  // namespace xbeat::cli
