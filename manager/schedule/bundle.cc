#include "schedule/bundle.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/explain.h"
#include "schedule/resources.h"

namespace xbeat::schedule {
namespace {

// What Pacemaker puts into containers; part of the digests that running containers are known by.
constexpr std::string_view kAuthKey = "/etc/pacemaker/authkey";
constexpr std::string_view kBundleLogs = "/var/log/pacemaker/bundles";
constexpr std::string_view kContainerLogs = "/var/log";
constexpr std::string_view kRemoteDaemon = "/usr/sbin/pacemaker-remoted";
constexpr std::string_view kRemotePort = "3121";
constexpr std::int32_t kReplicasMax = 1000;  // more is cut

std::int32_t count_of(const cib::Element& xml, std::string_view name, std::int32_t fallback) {
    const auto number = parse_integer(xml.get(name));
    if (!number || *number < 0) return fallback;
    return static_cast<std::int32_t>(std::min<std::int64_t>(*number, kReplicasMax));
}

void add_pair(cib::Element& set, std::string_view name, std::string_view value) {
    cib::Element pair;
    pair.name = "nvpair";
    pair.set("name", name);
    pair.set("value", value);
    set.children.push_back(std::move(pair));
}

cib::Element monitor_op(std::string_view interval, std::string_view timeout) {
    cib::Element operations;
    operations.name = "operations";
    cib::Element op;
    op.name = "op";
    op.set("name", "monitor");
    op.set("interval", interval);
    if (!timeout.empty()) op.set("timeout", timeout);
    operations.children.push_back(std::move(op));
    return operations;
}

cib::Element primitive(std::string_view id, std::string_view provider, std::string_view type) {
    cib::Element out;
    out.name = "primitive";
    out.set("id", id);
    out.set("class", "ocf");
    out.set("provider", provider);
    out.set("type", type);
    return out;
}

void read_network(const cib::Element& xml, BundleData& data) {
    const cib::Element* network = xml.child("network");
    if (network == nullptr) return;
    data.ip_range_start = network->get("ip-range-start");
    data.host_netmask = network->get("host-netmask");
    data.host_network = network->get("host-interface");
    data.control_port = network->get("control-port");
    data.add_host = parse_boolean(network->get("add-host")).value_or(true);
    for (const cib::Element& child : network->children) {
        if (child.name != "port-mapping") continue;
        BundlePort port;
        if (child.has("port")) {
            port.source = child.get("port");
            port.target =
                child.has("internal-port") ? child.get("internal-port") : child.get("port");
        } else {
            port.source = child.get("range");
            port.target = port.source;
        }
        if (!port.source.empty()) data.ports.push_back(std::move(port));
    }
}

void read_storage(const cib::Element& xml, BundleData& data) {
    const cib::Element* storage = xml.child("storage");
    if (storage == nullptr) return;
    for (const cib::Element& child : storage->children) {
        if (child.name != "storage-mapping") continue;
        BundleMount mount;
        mount.is_root = !child.has("source-dir");
        mount.source = mount.is_root ? child.get("source-dir-root") : child.get("source-dir");
        mount.target = child.get("target-dir");
        mount.options = child.get("options");
        if (!mount.source.empty() && !mount.target.empty()) data.mounts.push_back(std::move(mount));
    }
}

// The next address: the last number counted up, up to 254.
std::string next_address(std::string_view last) {
    const std::size_t dot = last.rfind('.');
    if (dot == std::string_view::npos) return {};
    const auto number = parse_integer(last.substr(dot + 1));
    if (!number || *number < 0 || *number > 253) return {};
    return concat(last.substr(0, dot + 1), *number + 1);
}

std::string run_options(const Resource& bundle, const BundleData& data, const Replica& replica,
                        bool is_docker, std::string* mount_points) {
    std::string out;
    if (is_docker) out += " --restart=no";
    if (!data.ip_range_start.empty()) out += concat(" -h ", bundle.id, '-', replica.offset);
    out += " -e PCMK_stderr=1";
    if (!data.container_network.empty()) out += concat(" --net=", data.container_network);
    out += concat(" -e PCMK_remote_port=",
                  data.control_port.empty() ? kRemotePort : std::string_view(data.control_port));
    for (const BundleMount& mount : data.mounts) {
        std::string source = mount.source;
        if (mount.is_root) {
            source = concat(mount.source, '/', bundle.id, '-', replica.offset);
            if (!mount_points->empty()) mount_points->push_back(',');
            *mount_points += source;
        }
        out += concat(" -v ", source, ':', mount.target);
        if (!mount.options.empty()) out += concat(':', mount.options);
    }
    for (const BundlePort& port : data.ports) {
        if (!replica.ip_address.empty()) {
            out += concat(" -p ", replica.ip_address, ':', port.source, ':', port.target);
        } else if (data.container_network != "host") {
            out += concat(" -p ", port.source, ':', port.target);
        }
    }
    if (!data.launcher_options.empty()) out += concat(' ', data.launcher_options);
    // The blanks are part of what is digested.
    return concat(out, ' ', data.host_options);
}

Resource* add_part(World& world, Resource& bundle, cib::Element xml) {
    Resource* part =
        unpack_resource(world, world.own_xml.emplace_back(std::move(xml)), &bundle, std::nullopt);
    if (part != nullptr) bundle.children.push_back(part);
    return part;
}

void make_address(World& world, Resource& bundle, Replica& replica) {
    BundleData& data = *bundle.bundle;
    if (replica.ip_address.empty()) return;
    cib::Element xml =
        primitive(concat(bundle.id, "-ip-", replica.ip_address), "heartbeat", "IPaddr2");
    cib::Element set;
    set.name = "instance_attributes";
    add_pair(set, "ip", replica.ip_address);
    if (!data.host_network.empty()) add_pair(set, "nic", data.host_network);
    add_pair(set, "cidr_netmask", data.host_netmask.empty() ? "32" : data.host_netmask);
    xml.children.push_back(std::move(set));
    xml.children.push_back(monitor_op("60s", ""));
    replica.ip = add_part(world, bundle, std::move(xml));
}

void make_container(World& world, Resource& bundle, Replica& replica) {
    BundleData& data = *bundle.bundle;
    const bool is_docker = data.agent == BundleAgent::Docker;
    const std::string_view type = is_docker ? "docker" : "podman";
    cib::Element xml =
        primitive(concat(bundle.id, '-', type, '-', replica.offset), "heartbeat", type);
    cib::Element set;
    set.name = "instance_attributes";
    std::string mount_points;
    const std::string options = run_options(bundle, data, replica, is_docker, &mount_points);
    add_pair(set, "image", data.image);
    add_pair(set, "allow_pull", "true");
    add_pair(set, "force_kill", "false");
    add_pair(set, "reuse", "false");
    add_pair(set, "run_opts", options);
    add_pair(set, "mount_points", mount_points);
    if (replica.child != nullptr) {
        add_pair(set, "run_cmd",
                 data.run_command.empty() ? kRemoteDaemon : std::string_view(data.run_command));
    } else if (!data.run_command.empty()) {
        add_pair(set, "run_cmd", data.run_command);
    }
    add_pair(set, "monitor_cmd", "/bin/true");  // what runs inside is monitored by itself
    xml.children.push_back(std::move(set));
    xml.children.push_back(monitor_op("60s", ""));
    replica.container = add_part(world, bundle, std::move(xml));
}

void forbid(Resource& resource, const Node& node) {
    if (Allowed* entry = resource.allowed.find(&node)) {
        entry->score = Score::never();
        entry->discovery = Discovery::Never;
    }
    for (Resource* child : resource.children) forbid(*child, node);
}

void make_connection(World& world, Resource& bundle, Replica& replica) {
    if (replica.child == nullptr) return;
    BundleData& data = *bundle.bundle;
    const std::string id = concat(bundle.id, '-', replica.offset);
    cib::Element xml = primitive(id, "pacemaker", "remote");
    cib::Element metas;
    metas.name = "meta_attributes";
    add_pair(metas, "internal-rsc", "true");
    xml.children.push_back(std::move(metas));
    cib::Element set;
    set.name = "instance_attributes";
    add_pair(set, "addr", replica.ip_address.empty() ? "#uname" : replica.ip_address);
    add_pair(set, "port",
             data.control_port.empty() ? kRemotePort : std::string_view(data.control_port));
    xml.children.push_back(std::move(set));
    xml.children.push_back(monitor_op("30s", "30s"));

    Node& node = make_node(world, id, id, NodeVariant::Remote);
    node.is_bundle = true;
    node.initial_score = -Score::kInfinity;
    node.attributes["#kind"] = "container";
    replica.node = &node;
    for (Resource* resource : world.top) forbid(*resource, node);
    for (Resource* part : bundle.children) forbid(*part, node);
    replica.child->allowed.clear();
    Allowed& own = replica.child->allowed.enter(&node);
    note_score(world, *replica.child, node, {ScoreCause::Bundle}, Score(), Score::of(500));
    own.score = Score::of(500);
    own.discovery = Discovery::Exclusive;
    replica.child->parent->allowed.enter(&node).score = Score::never();

    replica.connection = add_part(world, bundle, std::move(xml));
    if (replica.connection == nullptr) return;
    const ScoreWatch watch(world, *replica.connection, {ScoreCause::Remote});
    for (Allowed& entry : replica.connection->allowed) {
        if (is_guest_or_remote(*entry.node)) entry.score = Score::never();
    }
    node.remote = replica.connection;
    replica.connection->launcher = replica.container;
    replica.container->launched.push_back(replica.connection);
    replica.connection->allow_guest_remotes = true;
}

cib::Element inner_clone(const Resource& bundle, const BundleData& data,
                         const cib::Element& child) {
    cib::Element clone;
    clone.name = "clone";
    clone.set("id", concat(bundle.id, data.promoted_max > 0 ? "-master" : "-clone"));
    cib::Element metas;
    metas.name = "meta_attributes";
    add_pair(metas, "ordered", "true");
    add_pair(metas, "clone-max", concat(data.replicas));
    add_pair(metas, "clone-node-max", concat(data.replicas_per_host));
    add_pair(metas, "globally-unique", data.replicas_per_host > 1 ? "true" : "false");
    if (data.promoted_max > 0) {
        add_pair(metas, "promotable", "true");
        add_pair(metas, "promoted-max", concat(data.promoted_max));
    }
    clone.children.push_back(std::move(metas));
    clone.children.push_back(child);
    return clone;
}

}  // namespace

bool unpack_bundle(World& world, Resource& bundle) {
    const cib::Element* docker = bundle.xml->child("docker");
    const cib::Element* podman = bundle.xml->child("podman");
    const cib::Element* container = docker != nullptr ? docker : podman;
    if (container == nullptr) return false;
    BundleData& data = world.bundles.emplace_back();
    bundle.bundle = &data;
    data.agent = docker != nullptr ? BundleAgent::Docker : BundleAgent::Podman;
    data.promoted_max = count_of(*container, "promoted-max", count_of(*container, "masters", 0));
    data.replicas = count_of(*container, "replicas", std::max(data.promoted_max, 1));
    data.replicas_per_host = std::max(count_of(*container, "replicas-per-host", 1), 1);
    data.run_command = container->get("run-command");
    data.launcher_options = container->get("options");
    data.image = container->get("image");
    data.container_network = container->get("network");
    if (data.replicas < 1) return false;
    bundle.unique = data.replicas_per_host > 1;
    read_network(*bundle.xml, data);
    read_storage(*bundle.xml, data);
    const cib::Element* child = bundle.xml->child("primitive");
    if (child != nullptr) {
        cib::Element clone = inner_clone(bundle, data, *child);
        data.child = unpack_resource(world, world.own_xml.emplace_back(std::move(clone)), &bundle,
                                     std::nullopt);
        if (data.child == nullptr) return false;
        bundle.children.push_back(data.child);
        data.mounts.push_back({std::string(kAuthKey), std::string(kAuthKey), "", false});
        data.mounts.push_back({std::string(kBundleLogs), std::string(kContainerLogs), "", true});
        const std::string port =
            data.control_port.empty() ? std::string(kRemotePort) : data.control_port;
        data.ports.push_back({port, port});
    }
    std::string address = data.ip_range_start;
    for (std::int32_t offset = 0; offset < data.replicas; ++offset) {
        Replica& replica = data.parts.emplace_back();
        replica.offset = offset;
        replica.ip_address = address;
        if (!address.empty()) {
            if (data.add_host) {
                data.host_options += concat(" --add-host=", bundle.id, '-', offset, ':', address);
            }
            address = next_address(address);
        }
        if (data.child != nullptr &&
            static_cast<std::size_t>(offset) < data.child->children.size()) {
            replica.child = data.child->children[static_cast<std::size_t>(offset)];
        }
    }
    for (Replica& replica : data.parts) {
        make_address(world, bundle, replica);
        make_container(world, bundle, replica);
        if (replica.container == nullptr) return false;
        make_connection(world, bundle, replica);
        // What is configured for the resource inside is meant for the container: the guest node
        // that it is tied to has no capacity of its own.
        if (replica.child != nullptr) {
            std::swap(replica.container->utilization, replica.child->utilization);
        }
    }
    return true;
}

Replica* replica_on(const Resource& bundle, const Node& node) {
    for (Replica& replica : bundle.bundle->parts) {
        if (replica.node == &node) return &replica;
    }
    return nullptr;
}

}  // namespace xbeat::schedule
