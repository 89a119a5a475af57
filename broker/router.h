/// The topic index and the fan-out: one trie, read by all shards without a common lock.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "broker/topic_trie.h"

namespace fogbank::broker {

/// Readers take only their own shard's mutex, which nobody else touches as long as nobody subscribes; a writer takes all of them, always in
/// the same order ("big-reader lock"). In front of the trie each shard remembers the matches of the topics it has seen, valid for one
/// generation of the index.
///
/// Matches are collected under the lock and delivered after it. A publish from within a delivery is queued and delivered after the current
/// one, so that subscribers that publish do not recurse; one that causes itself for ever is cut after `limits::nested_publish_hops_max`.
class ShardedRouter final : public Router {
  public:
    ShardedRouter(ShardPool& shards, Metrics& metrics, bool parent_matches_hash);

    void subscribe(std::string_view topic_filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options) override;
    bool unsubscribe(std::string_view topic_filter, const Subscriber& subscriber) override;
    void publish(MessagePtr message, Acknowledgement::Callback done) override;
    bool has_audience(std::string_view topic_name) override;
    std::uint64_t audience_generation() const override { return generation_.load(std::memory_order_acquire); }
    void keep_retained_in(RetainedStore* store) override { retained_.store(store, std::memory_order_release); }

  private:
    using Matches = std::shared_ptr<const std::vector<Match>>;
    struct Nested {
        MessagePtr message;
        Acknowledgement::Callback done;
        std::uint32_t hops = 0;
    };
    struct TextHash {
        using is_transparent = void;
        // Not noexcept: libstdc++ then keeps the hash with each entry instead of hashing its neighbours on every look-up.
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    /// What one shard's thread owns; `index_mutex` alone is taken by writers too.
    struct alignas(64) Reader {
        std::mutex index_mutex;
        std::uint64_t cache_generation = 0;
        std::unordered_map<std::string, Matches, TextHash, std::equal_to<>> cache;
        std::size_t cached_matches = 0;
        const std::pair<const std::string, Matches>* last = nullptr;  ///< of `cache`: the topic that was published to last
        std::vector<Match> asked;                                     ///< of has_audience, kept for its memory
        bool publishing = false;
        bool drop_logged = false;  ///< once per message from outside: what multiplies must not fill the log
        std::uint32_t hops = 0;    ///< of the message being delivered
        std::deque<Nested> nested;
    };

    template <class Change>
    void change_index(Change&& change);
    Matches find(Reader& reader, std::string_view topic_name);
    void publish_here(Reader& reader, MessagePtr message, Acknowledgement::Callback done);
    void fan_out(Reader& reader, const MessagePtr& message, Acknowledgement::Callback done);
    void queue_nested(Reader& reader, MessagePtr message, Acknowledgement::Callback done);

    ShardPool& shards_;
    Counter& nested_dropped_;
    TopicTrie trie_;
    std::atomic<RetainedStore*> retained_{nullptr};
    std::atomic<std::uint64_t> generation_{1};
    std::vector<std::unique_ptr<Reader>> readers_;
};

}  // namespace fogbank::broker
