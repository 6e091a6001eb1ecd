#include "node/node.h"

#include "node/mind.h"

namespace xbeat::node {

struct Node::State {
    explicit State(Options options) : mind(std::move(options)) {}
    Mind mind;
};

Node::Node(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

Output Node::step(Now now, const Event& event) { return state_->mind.step(now, event); }
const cib::Element& Node::cib() const { return state_->mind.shared().cib; }
std::vector<PeerView> Node::peers() const { return state_->mind.peer_views(); }
std::string_view Node::coordinator() const { return state_->mind.coordinator_name(); }
Term Node::term() const { return state_->mind.term(); }
std::string Node::activity() const { return state_->mind.activity(); }
bool Node::tells_of_earlier_life() const { return state_->mind.tells_of_earlier_life(); }
const std::deque<Timeline>& Node::timelines() const { return state_->mind.chronicle().timelines(); }
std::vector<FenceView> Node::fence_history() const { return state_->mind.fence_views(); }
LeaseView Node::lease() const { return state_->mind.lease_view(); }
std::vector<AttributeView> Node::attributes() const { return state_->mind.attribute_views(); }

}  // namespace xbeat::node
