/// The subscribers of one topic filter.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "broker/topic_trie.h"

namespace fogbank::broker::detail {

/// Most filters have one subscriber, some have 100,000: the first is stored in place, the others in a vector, and from `indexed_from` on a
/// hash table says where each of them is, so that neither adding nor removing one looks at all. Unordered.
class SubscriberSet {
  public:
    explicit SubscriberSet(Match first);
    ~SubscriberSet();
    SubscriberSet(const SubscriberSet&) = delete;
    SubscriberSet& operator=(const SubscriberSet&) = delete;

    /// Adds, or replaces the options. @return true if it was not there.
    bool insert(std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options);

    /// The one that was removed, null if it was not there. Handed out, because its destructor must not run in the middle of a change.
    std::shared_ptr<Subscriber> erase(const Subscriber& subscriber);
    bool is_empty() const { return first_.subscriber == nullptr; }

    void append_to(std::vector<Match>& out) const;

    static constexpr std::size_t indexed_from = 17;  ///< up to 16 a look at each is as fast

  private:
    struct More;
    static constexpr std::size_t nowhere = ~std::size_t{0};

    std::size_t size() const;
    Match& at(std::size_t position);
    std::size_t find(const Subscriber& subscriber);
    void build_index();
    void shrink();

    Match first_;
    std::unique_ptr<More> more_;
};

}  // namespace fogbank::broker::detail
