/// The data structure behind the topic index: topic filters by level, subscribers at the ends. Not thread-safe; the router guards it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/subscriber.h"

namespace fogbank::broker {

/// One subscriber with the options of the subscription that matched.
struct Match {
    std::shared_ptr<Subscriber> subscriber;
    SubscriptionOptions options;
};

/// Holds 1,000,000 distinct filters and 100,000 subscribers of one filter without degrading: insertion, removal and match cost by the
/// number of levels (and of matches), never by the number of filters. Memory of a removed filter is given back. Several threads may call
/// `match` at once while none changes anything.
class TopicTrie {
  public:
    /// @param parent_matches_hash  OASIS: `a/#` matches `a`; AWS: it does not.
    explicit TopicTrie(bool parent_matches_hash);
    ~TopicTrie();
    TopicTrie(const TopicTrie&) = delete;
    TopicTrie& operator=(const TopicTrie&) = delete;

    /// Adds or replaces. `topic_filter` is valid (common/topic.h) and at most 65,535 bytes long. @return true if the subscription is new.
    bool insert(std::string_view topic_filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options);
    /// @return false if there was none.
    bool erase(std::string_view topic_filter, const Subscriber& subscriber);
    /// Appends one Match per matching subscription (a subscriber with two overlapping filters appears twice).
    /// Same result as `topic_matches` on every filter; a filter that begins with a wildcard does not match a `$` topic.
    void match(std::string_view topic_name, std::vector<Match>& out) const;
    std::size_t size() const { return size_; }

  private:
    struct Nodes;
    std::unique_ptr<Nodes> nodes_;
    std::size_t size_ = 0;
    bool parent_matches_hash_;
};

}  // namespace fogbank::broker
