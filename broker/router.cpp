#include "broker/router.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "broker/errc.h"
#include "broker/limits.h"
#include "broker/retained_store.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace {

/// Makes the acknowledgement only when somebody asks for it: a publish that nobody makes durable costs no allocation.
class LazyAcknowledgement final : public PublishContext {
  public:
    explicit LazyAcknowledgement(Acknowledgement::Callback done) : done_(std::move(done)) {}

    Hold hold() override {
        if (done_) hold_ = Acknowledgement::begin(std::move(done_));
        return hold_;
    }
    /// After the last delivery.
    void finish() {
        if (done_) done_(Result<void>());
    }

  private:
    Acknowledgement::Callback done_;
    Hold hold_;
};

/// Lifecycle events: a topic of its own for each client, used when it comes and goes. Not worth remembering, and a reconnect storm must not
/// push out the topics that are.
bool is_of_one_client(std::string_view topic_name) {
    return topic_name.starts_with("$aws/events/");
}

}  // namespace

ShardedRouter::ShardedRouter(ShardPool& shards, Metrics& metrics, bool parent_matches_hash)
    : shards_(shards),
      nested_dropped_(metrics.counter("fogbank_broker_nested_publishes_dropped_total",
                                      "Publishes made while another was delivered that were dropped.")),
      trie_(parent_matches_hash) {
    for (std::size_t i = 0; i < shards.size(); ++i) readers_.push_back(std::make_unique<Reader>());
}

template <class Change>
void ShardedRouter::change_index(Change&& change) {
    std::vector<std::unique_lock<std::mutex>> locks;
    locks.reserve(readers_.size());
    for (const auto& reader : readers_) locks.emplace_back(reader->index_mutex);
    change();
    generation_.fetch_add(1, std::memory_order_release);
}

void ShardedRouter::subscribe(std::string_view topic_filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options) {
    change_index([&] { trie_.insert(topic_filter, std::move(subscriber), options); });
}

bool ShardedRouter::unsubscribe(std::string_view topic_filter, const Subscriber& subscriber) {
    bool found = false;
    change_index([&] { found = trie_.erase(topic_filter, subscriber); });
    return found;
}

void ShardedRouter::publish(MessagePtr message, Acknowledgement::Callback done) {
    if (Shard* shard = Shard::current(); shard != nullptr) {
        publish_here(*readers_[shard->index()], std::move(message), std::move(done));
        return;
    }
    // One topic always goes through one shard: what another thread publishes keeps its order.
    const std::size_t index = std::hash<std::string_view>{}(message->topic_name()) % shards_.size();
    shards_[index].post([this, index, message = std::move(message), done = std::move(done)]() mutable {
        publish_here(*readers_[index], std::move(message), std::move(done));
    });
}

void ShardedRouter::publish_here(Reader& reader, MessagePtr message, Acknowledgement::Callback done) {
    if (reader.publishing) {
        queue_nested(reader, std::move(message), std::move(done));
        return;
    }
    reader.publishing = true;
    reader.drop_logged = false;
    reader.hops = 0;
    fan_out(reader, message, std::move(done));
    while (!reader.nested.empty()) {
        Nested next = std::move(reader.nested.front());
        reader.nested.pop_front();
        reader.hops = next.hops;
        fan_out(reader, next.message, std::move(next.done));
    }
    reader.publishing = false;
}

void ShardedRouter::queue_nested(Reader& reader, MessagePtr message, Acknowledgement::Callback done) {
    const bool looping = reader.hops >= limits::nested_publish_hops_max;
    if (!looping && reader.nested.size() < limits::nested_publishes_max) {
        reader.nested.push_back({std::move(message), std::move(done), reader.hops + 1});
        return;
    }
    const char* why = looping ? "a message caused itself too often" : "too many messages caused by one are waiting";
    nested_dropped_.add();
    if (!std::exchange(reader.drop_logged, true)) {
        logger("broker").warn("publish dropped topic={} hops={} reason=\"{}\"", log_value(message->topic_name()), reader.hops, why);
    }
    if (done) done(Error(Errc::publish_loop, std::string("publish to `") + std::string(message->topic_name()) + "` dropped: " + why));
}

void ShardedRouter::fan_out(Reader& reader, const MessagePtr& message, Acknowledgement::Callback done) {
    const Matches matches = find(reader, message->topic_name());
    LazyAcknowledgement context(std::move(done));
    if (message->retain()) {
        if (RetainedStore* retained = retained_.load(std::memory_order_acquire)) retained->keep(message, context);
    }
    for (const Match& match : *matches) match.subscriber->deliver(message, match.options, context);
    context.finish();
}

ShardedRouter::Matches ShardedRouter::find(Reader& reader, std::string_view topic_name) {
    if (is_of_one_client(topic_name)) {
        auto found = std::make_shared<std::vector<Match>>();
        const std::lock_guard lock(reader.index_mutex);
        trie_.match(topic_name, *found);
        return found;
    }
    const std::uint64_t now = generation_.load(std::memory_order_acquire);
    if (reader.cache_generation != now || reader.cache.size() >= limits::match_cache_topics_max ||
        reader.cached_matches >= limits::match_cache_matches_max) {
        reader.last = nullptr;
        reader.cache.clear();
        reader.cached_matches = 0;
        reader.cache_generation = now;
    }
    if (reader.last != nullptr && reader.last->first == topic_name) return reader.last->second;
    if (const auto known = reader.cache.find(topic_name); known != reader.cache.end()) {
        reader.last = &*known;
        return known->second;
    }
    auto found = std::make_shared<std::vector<Match>>();
    {
        const std::lock_guard lock(reader.index_mutex);
        trie_.match(topic_name, *found);
        // A change since the load above: the result is right, and stays for this generation only.
        if (generation_.load(std::memory_order_relaxed) != now) return found;
    }
    reader.cached_matches += found->size();
    return reader.cache.emplace(std::string(topic_name), std::move(found)).first->second;
}

/// Not through the cache of matches: topics that nobody listens to would drive those out that are published to.
bool ShardedRouter::has_audience(std::string_view topic_name) {
    const Shard* shard = Shard::current();
    if (shard == nullptr) return true;
    Reader& reader = *readers_[shard->index()];
    if (reader.cache_generation == generation_.load(std::memory_order_acquire)) {
        if (const auto known = reader.cache.find(topic_name); known != reader.cache.end()) return !known->second->empty();
    }
    {
        const std::lock_guard lock(reader.index_mutex);
        trie_.match(topic_name, reader.asked);
    }
    const bool any = !reader.asked.empty();
    reader.asked.clear();
    return any;
}

std::unique_ptr<Router> make_router(ShardPool& shards, const Clock&, Metrics& metrics, const Quotas&) {
    // AWS: `a/#` does not match `a` (reference "broker", section 7), in either profile: a device that moves to the cloud must not find a
    // difference.
    return std::make_unique<ShardedRouter>(shards, metrics, false);
}

}  // namespace fogbank::broker
