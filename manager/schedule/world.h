// Everything one run of the scheduler knows: nodes, resources, constraints, steps and orderings.
//
// The World owns its parts in deques, so that their addresses stay; parts point at each other. No
// pointer is ever compared for order or printed: what must be ordered has an index or a name. Each
// stage of the scheduler is a file of functions over a World; stages run in the order of
// schedule.cc. The World refers into the CIB, which must outlive it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/score.h"
#include "core/time.h"
#include "rules/rule.h"
#include "schedule/types.h"

namespace xbeat::schedule {

struct Explanation;
struct Resource;
struct OperationConfig;
struct Step;
struct World;
using rules::Attributes;

enum class NodeVariant : std::uint8_t { Cluster, Remote, Ping };

struct Node {
    std::uint32_t index = 0;  // place in World::nodes
    std::string id;
    std::string name;
    NodeVariant variant = NodeVariant::Cluster;
    const cib::Element* status = nullptr;  // its node_state
    bool is_bundle = false;                // guest node of a bundle
    bool is_configured = false;            // named in <nodes>
    bool online = false;
    bool pending = false;
    bool standby = false;
    bool standby_on_fail = false;
    bool unclean = false;
    bool unseen = true;
    bool shutting_down = false;
    bool expected_up = false;
    bool is_dc = false;
    bool maintenance = false;
    bool discovery_enabled = true;  // resource-discovery-enabled
    bool remote_requires_reset = false;
    bool remote_was_fenced = false;
    bool remote_maintenance = false;
    bool is_unpacked = false;
    bool fixed_unpacked = false;  // resources' history has been read
    bool unfencing_done = false;
    std::int32_t initial_score = 0;   // of every resource's table; -INFINITY for bundle nodes
    std::int32_t priority = 0;        // sum of its resources' priorities, for fencing delays
    std::int32_t assigned_count = 0;  // resources assigned here in this run
    Resource* remote = nullptr;       // its connection, for remote and guest nodes
    std::vector<Resource*> running;
    Attributes attributes;
    std::map<std::string, std::int32_t, std::less<>> capacity;  // utilization still free
    std::vector<Step*> steps;                                   // without a resource
    std::string health_worst;
};

/// Nodes in the order in which the scheduler visits them; does not own them.
class NodeList {
public:
    class Iterator {
    public:
        explicit Iterator(std::vector<Node*>::const_iterator at) : at_(at) {}
        Node& operator*() const { return **at_; }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        friend bool operator==(const Iterator&, const Iterator&) = default;

    private:
        std::vector<Node*>::const_iterator at_;
    };
    void insert(Node& node);
    [[nodiscard]] std::size_t size() const { return order_.size(); }
    [[nodiscard]] Iterator begin() const { return Iterator(order_.begin()); }
    [[nodiscard]] Iterator end() const { return Iterator(order_.end()); }

private:
    std::vector<Node*> order_;
};

/// Whether `a` stands before `b`: letters without case, runs of digits by their value.
[[nodiscard]] bool is_name_before(std::string_view a, std::string_view b);

/// A node in a resource's table.
struct Allowed {
    Node* node = nullptr;
    Score score;
    bool filtered = false;   // a merge of colocations gave it up
    std::int32_t count = 0;  // instances of this clone already placed here
    Discovery discovery = Discovery::Always;
};

/// The nodes of a resource with their scores, sorted by the node's index.
class Table {
public:
    [[nodiscard]] Allowed* find(const Node* node) {
        return const_cast<Allowed*>(std::as_const(*this).find(node));
    }
    [[nodiscard]] const Allowed* find(const Node* node) const;
    /// The entry of `node`, made with its initial score if there is none.
    Allowed& enter(Node* node);
    void erase(const Node* node);
    void clear() { entries_.clear(); }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    auto begin() { return entries_.begin(); }
    auto end() { return entries_.end(); }
    [[nodiscard]] auto begin() const { return entries_.begin(); }
    [[nodiscard]] auto end() const { return entries_.end(); }

private:
    std::vector<Allowed> entries_;
};

enum class Kind : std::uint8_t { Primitive, Group, Clone, Bundle };

struct Location {
    std::string id;
    std::string rule;  // that gave the scores; empty for the constraint itself
    Resource* resource = nullptr;
    Role role = Role::Unknown;  // Promoted restricts it to the promotion
    Discovery discovery = Discovery::Always;
    std::vector<std::pair<Node*, Score>> nodes;
};

struct Colocation {
    std::string id;
    std::string node_attribute;  // empty means the node's name
    Resource* dependent = nullptr;
    Resource* primary = nullptr;
    Role dependent_role = Role::Unknown;
    Role primary_role = Role::Unknown;
    Score score;
    bool influence = true;
};

struct Ticket {
    std::string id;
    bool granted = false;
    bool standby = false;
    std::optional<EpochSeconds> last_granted;
    Attributes state;
};

enum class LossPolicy : std::uint8_t { Stop, Demote, Fence, Freeze };

struct TicketConstraint {
    std::string id;
    Resource* resource = nullptr;
    Ticket* ticket = nullptr;
    LossPolicy policy = LossPolicy::Stop;
    Role role = Role::Unknown;
};

struct BundlePort {
    std::string source;
    std::string target;
};

struct BundleMount {
    std::string source;
    std::string target;
    std::string options;
    bool is_root = false;  // source-dir-root: one directory a replica
};

/// One copy of a bundle: an address, a container, a connection into it and what runs inside.
struct Replica {
    std::int32_t offset = 0;
    std::string ip_address;
    Resource* ip = nullptr;
    Resource* container = nullptr;
    Resource* connection = nullptr;
    Resource* child = nullptr;
    Node* node = nullptr;  // the guest node
};

enum class BundleAgent : std::uint8_t { Docker, Podman };

struct BundleData {
    BundleAgent agent = BundleAgent::Docker;
    std::int32_t replicas = 1;
    std::int32_t replicas_per_host = 1;
    std::int32_t promoted_max = 0;
    std::string image;
    std::string ip_range_start;
    std::string ip_last;
    std::string host_network;
    std::string host_netmask;
    std::string control_port;
    std::string container_network;
    std::string launcher_options;  // for the container program
    std::string run_command;
    std::string host_options;
    std::string prefix;
    bool add_host = true;
    std::vector<BundlePort> ports;
    std::vector<BundleMount> mounts;
    std::deque<Replica> parts;
    Resource* child = nullptr;  // the internal clone
};

struct CloneData {
    std::int32_t clone_max = 1;
    std::int32_t clone_node_max = 1;
    std::int32_t clone_min = 0;
    std::int32_t promoted_max = 0;
    std::int32_t promoted_node_max = 0;
    std::int32_t total = 0;  // instances ever made; the next one's number
    std::int32_t promoted_count = 0;
    bool interleave = false;
    bool ordered = false;
    bool added_promoted_constraints = false;
    Step* notify_start[4] = {};  // pre, pre-done, post, post-done
    Step* notify_stop[4] = {};
    Step* notify_promote[4] = {};
    Step* notify_demote[4] = {};
};

/// What the configuration says about one operation of one resource.
struct OperationConfig {
    Task task = Task::None;
    std::int64_t interval_ms = 0;
    const cib::Element* xml = nullptr;  // its <op>, or null
    Attributes meta;                    // timeout and interval in milliseconds
    OnFail on_fail = OnFail::Restart;
    Role fail_role = Role::Started;  // the role to have after a failure
    Requires needs = Requires::Nothing;
};

struct Resource {
    std::uint32_t index = 0;   // place in World::resources
    std::string id;            // with instance number
    std::string history_name;  // as in the status section, if that has it; else the id
    Kind kind = Kind::Primitive;
    const cib::Element* xml = nullptr;  // definition, template merged in
    const cib::Element* operations = nullptr;
    std::string agent_class;
    std::string agent_provider;
    std::string agent_type;

    Resource* parent = nullptr;
    std::vector<Resource*> children;
    CloneData clone;
    BundleData* bundle = nullptr;
    bool group_ordered = true;
    bool group_colocated = true;

    Attributes meta;
    std::map<std::string, std::int32_t, std::less<>> utilization;

    bool orphan = false;  // not configured any more
    bool orphan_container_filler = false;
    bool managed = true;
    bool blocked = false;
    bool maintenance = false;
    bool notify = false;
    bool unique = true;
    bool promotable = false;
    bool critical = true;
    bool failed = false;
    bool stop_required = false;     // must pass through Stopped
    bool stop_if_multiply = false;  // is on more nodes than it should
    bool failure_ignored = false;
    bool start_pending = false;
    bool allow_migrate = false;
    bool live_migrating = false;  // decided for this plan
    bool allow_guest_remotes = false;
    bool is_connection = false;   // a remote or guest node's connection
    bool assigning = false;       // in progress, to cut loops
    bool unassigned = true;       // not yet assigned
    bool updating_nodes = false;  // a colocation merge is visiting it
    bool reload = false;
    bool restarting = false;
    bool exclusive_discovery = false;
    bool needs_fencing = false;
    bool needs_quorum = false;
    bool needs_unfencing = false;
    bool is_fence_device = false;
    bool promotable_scores_ready = false;
    bool visited = false;
    bool detached_group_member = false;
    bool target_role_forced_stop = false;
    bool removed_instance = false;  // anonymous orphan instance
    bool allow_unhealthy = false;

    std::int32_t priority = 0;
    std::int32_t stickiness = 0;
    std::int32_t promotion_priority = 0;  // working value while choosing whom to promote
    std::int32_t sort_index = 0;
    std::int32_t migration_threshold = Score::kInfinity;
    std::int64_t failure_timeout_ms = 0;
    std::int64_t reconnect_interval_ms = 0;
    MultipleActive multiple_active = MultipleActive::StopStart;
    OnFail worst_on_fail = OnFail::Ignore;

    Role role = Role::Stopped;
    Role next_role = Role::Unknown;
    std::vector<Node*> running_on;
    std::vector<Node*> known_on;  // history read there, by node index
    std::vector<Node*> multiply_seen;
    std::vector<Node*> dangling_migrations;
    Node* migration_source = nullptr;  // partial migration
    Node* migration_target = nullptr;
    Node* assigned = nullptr;
    Score assigned_score;  // of that node when it was chosen
    Node* lock_node = nullptr;
    std::int64_t lock_time = 0;
    Node* pending_node = nullptr;
    std::string pending_task;
    Table allowed;

    Resource* launcher = nullptr;     // container or VM that it runs in
    std::vector<Resource*> launched;  // what runs in this container or VM
    Node* bundle_node = nullptr;
    bool is_bundle_child = false;

    std::vector<Location*> locations;
    std::vector<Colocation*> colocated_with;  // where it is the dependent
    std::vector<Colocation*> colocated_by;    // where it is the primary
    std::vector<TicketConstraint*> tickets;
    std::vector<Step*> steps;
    std::vector<const OperationConfig*> operation_configs;  // read so far
};

struct Edge {
    Step* step = nullptr;
    Effects effects = effect::kNone;
    bool in_graph = false;
};

namespace flag {
constexpr std::uint32_t kPseudo = 1U << 0U;
constexpr std::uint32_t kRunnable = 1U << 1U;
constexpr std::uint32_t kOptional = 1U << 2U;
constexpr std::uint32_t kAlwaysInGraph = 1U << 3U;
constexpr std::uint32_t kMigratable = 1U << 4U;
constexpr std::uint32_t kTracking = 1U << 5U;  // a loop search is passing through
constexpr std::uint32_t kDeduplicated = 1U << 6U;
constexpr std::uint32_t kInGraph = 1U << 7U;
constexpr std::uint32_t kNeedsEnough = 1U << 8U;  // runnable if enough inputs are
constexpr std::uint32_t kQueued = 1U << 9U;
constexpr std::uint32_t kOnFailSet = 1U << 10U;
constexpr std::uint32_t kVisited = 1U << 11U;
constexpr std::uint32_t kReschedule = 1U << 12U;  // a recurring operation that must run anew
constexpr std::uint32_t kDangling = 1U << 13U;    // stop that ends a half-done migration
}  // namespace flag

struct Step {
    std::uint32_t index = 0;  // place in World::steps: the order of creation
    Task task = Task::None;
    std::uint32_t flags = flag::kOptional | flag::kRunnable;
    Resource* resource = nullptr;
    Node* node = nullptr;
    std::int64_t interval_ms = 0;
    std::string key;
    std::string task_text;  // if the word of the task does not say it
    Task cancelled_task = Task::None;
    const OperationConfig* config = nullptr;  // null without a resource
    std::int32_t priority = 0;
    std::int32_t runnable_before = 0;
    std::uint32_t search = 0;  // of the last search that passed here
    std::int32_t required_runnable_before = 0;
    Requires needs = Requires::Nothing;
    std::vector<std::pair<std::string, std::string>> meta;   // beyond the configuration's
    std::vector<std::pair<std::string, std::string>> extra;  // parameters beyond the resource's
    std::vector<Edge> before;                                // inputs
    std::vector<Edge> after;
    Node* lock_node = nullptr;
    std::string reason;

    [[nodiscard]] bool is(std::uint32_t mask) const { return (flags & mask) == mask; }
    [[nodiscard]] bool is_any(std::uint32_t mask) const { return (flags & mask) != 0; }
};

/// An ordering between resources' steps, or steps themselves, to be applied once all steps exist.
struct Ordering {
    Resource* first_resource = nullptr;
    Task first_task = Task::None;
    std::int64_t first_interval_ms = 0;
    std::string first_key;  // instead of the task; for notifications
    Step* first = nullptr;
    Resource* then_resource = nullptr;
    Task then_task = Task::None;
    std::string then_key;
    Step* then = nullptr;
    Effects effects = effect::kNone;
    std::string_view origin;  // id of the constraint that it comes from; empty if from none
};

/// A change of a step's flags, for the explanation.
struct Flow {
    const Step* step = nullptr;
    const Step* by = nullptr;  // the step it came from; or null
    bool by_first = false;     // ... which comes before it
    bool is_trigger = true;    // it may be what a summary names in a few words
    std::uint32_t before = 0;
    std::uint32_t after = 0;
    std::string why;
};

/// The place that was chosen for a resource, for the explanation.
struct Decision {
    const Resource* resource = nullptr;
    std::size_t changes = 0;     // how many changes of scores had been recorded
    std::vector<Allowed> nodes;  // best first
    std::string tie;
    std::vector<const Node*> equals;
};

/// What a stage decided and why; filled only on request.
struct Record {
    bool scores = false;
    std::vector<std::string> score_lines;
    Explanation* explanation = nullptr;
    std::string_view origin;  // id of the constraint that is being read
    std::vector<Flow> flows;
    std::vector<Decision> decisions;
    std::vector<std::pair<const Resource*, std::string>> unpaired;  // instances without a peer
    std::vector<std::pair<const Resource*, std::pair<Role, std::string>>> roles;
};

struct ClusterOptions {
    Attributes all;
    bool symmetric = true;
    bool fencing_enabled = true;
    std::string fencing_action = "reboot";
    std::string fencing_timeout = "60s";
    std::int64_t fencing_timeout_ms = 60000;
    std::int64_t watchdog_timeout_ms = 0;
    bool concurrent_fencing = true;
    bool startup_fencing = true;
    bool have_quorum = false;
    bool quorum_panic_allowed = false;
    QuorumPolicy no_quorum_policy = QuorumPolicy::Stop;
    bool stop_all = false;
    bool maintenance_mode = false;
    bool stop_orphans = true;
    bool stop_orphan_actions = true;
    bool start_failure_fatal = true;
    bool startup_probes = true;
    bool shutdown_lock = false;
    std::int64_t shutdown_lock_ms = 0;
    std::int64_t node_pending_ms = 0;
    std::int64_t priority_fencing_delay_ms = 0;
    bool fence_remote_without_quorum = false;
    std::string placement = "default";
    std::string health_strategy = "none";
    std::int32_t health_base = 0;
    bool have_fence_device = false;
    bool have_remote_nodes = false;
    bool have_unfencing = false;
    bool clean_unpacked = false;
};

struct World {
    const cib::Element* cib = nullptr;
    EpochSeconds now;
    rules::IdIndex ids;
    ClusterOptions options;
    Attributes rsc_defaults;
    Node* dc = nullptr;
    Node* blackhole = nullptr;
    std::optional<EpochSeconds> recheck_by;

    std::deque<Node> node_store;
    NodeList nodes;  // all of them, sorted by name with numbers in it counted as numbers
    std::map<std::string, Node*, std::less<>> node_by_id;
    std::map<std::string, Node*, std::less<>> node_by_name;
    std::deque<Resource> resources;  // all, instances included
    std::vector<Resource*> top;      // in order of assignment
    std::map<std::string, Resource*, std::less<>> resource_by_id;
    std::map<std::string, std::vector<std::string>, std::less<>> tags;       // id -> referenced ids
    std::map<std::string, std::vector<std::string>, std::less<>> templates;  // id -> primitives
    std::deque<cib::Element> own_xml;  // merged templates, generated resources
    std::deque<BundleData> bundles;
    std::map<std::string, Ticket, std::less<>> tickets;

    std::deque<Location> locations;
    std::deque<Colocation> colocations;
    std::deque<TicketConstraint> ticket_constraints;
    std::deque<Ordering> orderings;

    std::deque<Step> steps;
    std::deque<OperationConfig> operation_configs;
    std::map<std::string, Step*, std::less<>> singletons;  // cluster-wide steps by key
    std::vector<Resource*> stop_later;                     // containers whose connections failed
    std::vector<std::pair<const cib::Element*, Node*>> failed_at;
    std::vector<const cib::Element*> forced_restarts;  // expired monitors that run anew
    std::vector<std::pair<Resource*, Step*>> clear_after_fencing;

    Record record;

    [[nodiscard]] Resource* find_resource(std::string_view id) const;
    [[nodiscard]] Node* find_node(std::string_view name) const;
    [[nodiscard]] Node* find_node_by_id(std::string_view id) const;
};

// --- Questions about nodes -----------------------------------------------------------------------

[[nodiscard]] bool is_guest(const Node& node);   // a guest or bundle node
[[nodiscard]] bool is_remote(const Node& node);  // reached by a connection, but no guest
[[nodiscard]] bool is_guest_or_remote(const Node& node);
[[nodiscard]] bool is_bundle_node(const Node& node);
/// Online, not shutting down, clean, not standby or in maintenance; and if asked, a guest's
/// launcher has a node in this plan.
[[nodiscard]] bool is_usable(const Node& node, bool consider_guest_host = false);
[[nodiscard]] const std::string* node_attribute(const Node& node, std::string_view name);
/// The attribute of the node on which `resource` looks it up: its host, if so configured.
[[nodiscard]] std::string resource_node_attribute(const Node* node, std::string_view name,
                                                  const Resource* resource,
                                                  bool assigned_host = true);

// --- Questions about resources -------------------------------------------------------------------

[[nodiscard]] const std::string* meta(const Resource& resource, std::string_view name);
[[nodiscard]] bool is_clone(const Resource& resource);  // anonymous, unique or promotable
[[nodiscard]] bool is_clone_or_bundle(const Resource& resource);
[[nodiscard]] bool is_anonymous_clone(const Resource& resource);
[[nodiscard]] bool is_bundled(const Resource& resource);  // anywhere inside a bundle
[[nodiscard]] bool is_in_clone(const Resource& resource);
/// The outermost ancestor; with `include_bundle` false a bundle's parts end below the bundle.
[[nodiscard]] Resource* top_of(Resource& resource, bool include_bundle = false);
[[nodiscard]] const Resource* top_of(const Resource& resource, bool include_bundle = false);
[[nodiscard]] bool is_active(const Resource& resource, bool all);
/// The first node where it is active, a migration's target last.
[[nodiscard]] Node* active_on(const Resource& resource);
struct ActiveNodes {
    Node* one = nullptr;
    std::size_t all = 0;
    std::size_t clean = 0;
};
[[nodiscard]] ActiveNodes active_nodes(const Resource& resource);
/// The guest node that this resource's steps happen on, if it runs on one.
[[nodiscard]] bool runs_on(const std::vector<Node*>& nodes, const Node* node);
/// The role that this resource, or any of its children, has (`current`) or will have.
[[nodiscard]] Role role_of(const Resource& resource, bool current);
[[nodiscard]] bool is_running_unmanaged_anywhere(const Resource& resource);
/// Parses the id's ":N" end; empty if there is none.
[[nodiscard]] std::optional<std::int32_t> instance_number(std::string_view id);
[[nodiscard]] std::string_view base_name(std::string_view id);
[[nodiscard]] Replica* replica_of(const Resource& resource);
[[nodiscard]] Resource* bundle_of(const Resource& resource);
void set_next_role(World& world, Resource& resource, Role role, std::string_view why);
/// Adds `score` for `node` (all nodes if null) in the tables of `resource` and below.
void add_location_score(World& world, Resource& resource, Node* node, Score score);
void mark_tree(Resource& resource, bool Resource::*field, bool value);

/// The parameters of a resource as they are on `node` (null: nowhere in particular).
[[nodiscard]] Attributes parameters_of(World& world, const Resource& resource, const Node* node);

}  // namespace xbeat::schedule
