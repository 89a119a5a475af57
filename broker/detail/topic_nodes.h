/// The nodes of the topic trie and the one hash table that holds all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/detail/subscriber_set.h"

namespace fogbank::broker::detail {

/// One level of topic filters. 32 bytes and the level's text behind them in the same allocation; made and freed by TopicNodes only.
class TopicNode {
  public:
    std::string_view level() const { return {reinterpret_cast<const char*>(this + 1), level_bytes_}; }
    TopicNode* parent() const { return parent_; }
    bool has_plus() const { return has_plus_; }
    bool has_hash() const { return has_hash_; }
    /// Nobody needs it: no subscriber, no node below.
    bool is_unused() const { return !subscribers && children_ == 0; }

    std::unique_ptr<SubscriberSet> subscribers;  ///< null: no filter ends here

  private:
    friend class TopicNodes;
    TopicNode(TopicNode* parent, std::string_view level);
    ~TopicNode() = default;

    TopicNode* parent_;
    TopicNode* next_ = nullptr;  ///< in the same bucket
    std::uint32_t children_ = 0;
    std::uint16_t level_bytes_;
    bool has_plus_ = false, has_hash_ = false;  ///< whether a child `+` or `#` exists
};

/// Finds a node by its parent and its level's text. One table for the whole trie instead of one per node: a node costs a pointer in it,
/// whether it has one child or a million. The table grows and shrinks by one bucket at a time (linear hashing), so no insertion pays for
/// all that were before.
///
/// `find` may be called by several threads at once while none changes anything.
class TopicNodes {
  public:
    TopicNodes();
    ~TopicNodes();
    TopicNodes(const TopicNodes&) = delete;
    TopicNodes& operator=(const TopicNodes&) = delete;

    TopicNode* root() const { return root_; }
    /// Null if there is none.
    TopicNode* find(const TopicNode* parent, std::string_view level) const;
    TopicNode* find_or_make(TopicNode* parent, std::string_view level);
    /// Frees `node`, if it is unused, and then its ancestors as far as they are. The root stays.
    void free_unused(TopicNode* node);
    std::size_t size() const { return size_; }

  private:
    std::uint64_t hash(const TopicNode* parent, std::string_view level) const;
    static std::size_t bucket_of(std::uint64_t hash, std::size_t buckets);
    TopicNode* make(TopicNode* parent, std::string_view level);
    static void destroy(TopicNode* node);
    void remove(TopicNode* node);
    void add_bucket();
    void remove_bucket();

    std::vector<TopicNode*> buckets_;
    std::size_t size_ = 0;  ///< without the root
    TopicNode* root_;
    std::uint64_t seed_;
};

}  // namespace fogbank::broker::detail
