#include "broker/topic_trie.h"

#include <algorithm>
#include <utility>

#include "broker/detail/subscriber_set.h"
#include "broker/detail/topic_nodes.h"

namespace fogbank::broker {

using detail::SubscriberSet;
using detail::TopicNode;
using detail::TopicNodes;

struct TopicTrie::Nodes : TopicNodes {};

namespace {

/// The level that begins at `begin`; `begin` moves to the next one, beyond the end after the last.
std::string_view take_level(std::string_view topic, std::size_t& begin) {
    const std::size_t slash = std::min(topic.find('/', begin), topic.size());
    const std::string_view level = topic.substr(begin, slash - begin);
    begin = slash + 1;
    return level;
}

/// Where the level before the one that begins at `begin` begins.
std::size_t previous_level(std::string_view topic, std::size_t begin) {
    const std::size_t slash = begin - 1;  // or the topic's end
    if (slash == 0) return 0;
    const std::size_t before = topic.rfind('/', slash - 1);
    return before == std::string_view::npos ? 0 : before + 1;
}

bool is_wildcard(std::string_view level) {
    return level == "+" || level == "#";
}

/// Depth-first, each node's own level before its `+`; the way back is found by the nodes' parents, so there is no stack to overflow or
/// allocate.
class Walk {
  public:
    Walk(const TopicNodes& nodes, std::string_view topic, bool parent_matches_hash, std::vector<Match>& out)
        : nodes_(nodes), topic_(topic), dollar_(topic.starts_with('$')), parent_matches_hash_(parent_matches_hash), out_(out) {}

    void run() {
        const TopicNode* node = nodes_.root();
        while (node != nullptr) {
            collect(node);
            const TopicNode* child = descend(node);
            node = child != nullptr ? child : backtrack(node);
        }
    }

  private:
    bool at_end() const { return begin_ > topic_.size(); }
    /// A first wildcard does not match a `$` topic (MQTT-4.7.2-1).
    bool wildcards_allowed(const TopicNode* node) const { return !dollar_ || node != nodes_.root(); }
    bool plus_below(const TopicNode* node) const { return node->has_plus() && wildcards_allowed(node); }

    void collect(const TopicNode* node) {
        if (node->has_hash() && wildcards_allowed(node) && (!at_end() || parent_matches_hash_)) append(nodes_.find(node, "#"));
        if (at_end()) append(node);
    }
    void append(const TopicNode* node) {
        if (node->subscribers) node->subscribers->append_to(out_);
    }

    const TopicNode* descend(const TopicNode* node) {
        if (at_end()) return nullptr;
        std::size_t next = begin_;
        const std::string_view level = take_level(topic_, next);
        // A topic name with a wildcard is not valid, but must not match the wildcard's node twice.
        const TopicNode* child = is_wildcard(level) ? nullptr : nodes_.find(node, level);
        if (child != nullptr && plus_below(node)) ++untried_;
        if (child == nullptr && plus_below(node)) child = nodes_.find(node, "+");
        if (child != nullptr) begin_ = next;
        return child;
    }

    /// The next node after `node` and all below it are done; null at the end.
    const TopicNode* backtrack(const TopicNode* node) {
        while (untried_ > 0) {
            const TopicNode* parent = node->parent();
            if (node->level() != "+" && plus_below(parent)) {
                --untried_;
                return nodes_.find(parent, "+");  // in place of `node`: the same level comes next
            }
            begin_ = previous_level(topic_, begin_);
            node = parent;
        }
        return nullptr;
    }

    const TopicNodes& nodes_;
    std::string_view topic_;
    bool dollar_, parent_matches_hash_;
    std::vector<Match>& out_;
    std::size_t begin_ = 0;    ///< of the level that the current node's children are compared with
    std::size_t untried_ = 0;  ///< nodes on the path whose `+` is still to be visited
};

}  // namespace

TopicTrie::TopicTrie(bool parent_matches_hash) : nodes_(std::make_unique<Nodes>()), parent_matches_hash_(parent_matches_hash) {}
TopicTrie::~TopicTrie() = default;

bool TopicTrie::insert(std::string_view topic_filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options) {
    TopicNode* node = nodes_->root();
    std::size_t begin = 0;
    while (begin <= topic_filter.size()) node = nodes_->find_or_make(node, take_level(topic_filter, begin));
    if (node->subscribers) {
        const bool added = node->subscribers->insert(std::move(subscriber), options);
        size_ += added ? 1 : 0;
        return added;
    }
    node->subscribers = std::make_unique<SubscriberSet>(Match{std::move(subscriber), options});
    ++size_;
    return true;
}

bool TopicTrie::erase(std::string_view topic_filter, const Subscriber& subscriber) {
    TopicNode* node = nodes_->root();
    std::size_t begin = 0;
    while (node != nullptr && begin <= topic_filter.size()) node = nodes_->find(node, take_level(topic_filter, begin));
    if (node == nullptr || !node->subscribers) return false;
    const std::shared_ptr<Subscriber> removed = node->subscribers->erase(subscriber);
    if (!removed) return false;
    --size_;
    if (node->subscribers->is_empty()) {
        node->subscribers.reset();
        nodes_->free_unused(node);
    }
    return true;  // `removed` may be destroyed now; if that comes back to the trie, it is whole
}

void TopicTrie::match(std::string_view topic_name, std::vector<Match>& out) const {
    Walk(*nodes_, topic_name, parent_matches_hash_, out).run();
}

}  // namespace fogbank::broker
