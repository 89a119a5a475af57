/// Fleet indexing on the registry's core.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/shadows.h"
#include "common/shard.h"
#include "common/subscriber.h"
#include "registry/detail/core.h"
#include "registry/detail/parts.h"
#include "registry/fleet_index.h"
#include "registry/index_query.h"

namespace fogbank::registry {

/// The configuration as stored; the default if there is none.
Awaitable<IndexingConfiguration> read_indexing(Core& core);

/// One thing as a query sees it. What a query does not ask for is not loaded.
struct IndexedThing {
    Thing thing;
    std::vector<std::string> groups;
    std::vector<std::pair<std::string, std::string>> shadows;  ///< name (empty: classic) and document
    std::string connectivity;                                  ///< JSON; empty: never seen
};

/// What of a thing has to be loaded.
struct IndexNeeds {
    bool groups = false, shadows = false, connectivity = false;
    static IndexNeeds of(const IndexQuery& query, std::string_view field, const IndexingConfiguration& configuration);
};

// index_documents.cpp: pure.
IndexDocument document_of(const IndexedThing& thing);
IndexDocument document_of(const ThingGroup& group);
std::string answer_of(const IndexedThing& thing);
std::string answer_of(const ThingGroup& group);

class FleetIndexPart final : public FleetIndex {
  public:
    FleetIndexPart(Core& core, ThingGroupsPart& groups) : core_(core), groups_(groups) {}

    // fleet_index.cpp
    Awaitable<void> update_indexing_configuration(IndexingUpdate update) override;
    Awaitable<IndexingConfiguration> indexing_configuration() override;
    Awaitable<IndexDescription> describe_index(std::string name) override;
    Awaitable<std::vector<std::string>> list_indices() override;
    /// Reads the configuration at start.
    Awaitable<void> load();

    // index_search.cpp
    Awaitable<SearchPage> search(IndexRequest request) override;
    Awaitable<std::optional<std::string>> connectivity_of(std::string thing) override;

    // index_aggregations.cpp
    Awaitable<IndexStatistics> statistics(IndexRequest request) override;
    Awaitable<std::int64_t> cardinality(IndexRequest request) override;
    Awaitable<std::vector<std::pair<double, double>>> percentiles(IndexRequest request, std::vector<double> percents) override;
    Awaitable<IndexBuckets> buckets(IndexRequest request) override;

    // index_follower.cpp
    void start(ShardPool& shards, TopicIndex& topics, Shadows* shadows) override;
    void stop() override;
    /// What the registry has committed. Any thread.
    void changed(const Affected& affected);
    /// A shadow of the thing, or its connection, is another. Any thread.
    void thing_changed(const std::string& thing);
    void presence(std::string_view payload, bool connected);

  private:
    /// A query, checked against what is switched on.
    struct Ready {
        IndexQuery query;
        IndexingConfiguration configuration;
        bool groups = false;
    };
    Awaitable<Ready> prepare(IndexRequest request);

    /// The next things that match after `marker`; `next` goes on.
    struct Matches {
        std::vector<IndexedThing> things;
        std::vector<IndexDocument> documents;  ///< of groups: these alone
        std::vector<std::string> answers;      ///< of groups
        std::optional<std::string> next;
    };
    struct Source {
        std::optional<IndexLookup> lookup;
        Range range;  ///< of keys that lead to things; without a lookup of their records
    };
    static Source source_of(const IndexQuery& query);
    struct Candidate {
        std::string key;  ///< in the source's range
        Thing thing;
    };
    Awaitable<std::vector<Candidate>> candidates(std::vector<KeyValue> items, Source source);
    Awaitable<Matches> match_things(const Ready& ready, IndexNeeds needs, std::optional<std::string> marker, std::size_t items_max);
    Awaitable<Matches> match_groups(const Ready& ready, std::optional<std::string> marker, std::size_t items_max);
    Awaitable<IndexedThing> load_thing(Thing thing, IndexNeeds needs, IndexingConfiguration configuration);

    /// Calls `take` with each value of the field in everything that matches, in no order; `take` answers false when it has enough.
    using TakeValue = UniqueFunction<bool(const IndexField&)>;
    Awaitable<std::int64_t> for_each_value(IndexRequest request, TakeValue take);

    // index_follower.cpp
    struct DynamicGroup {
        std::string name;
        std::int64_t version = 1;
        bool building = false;
        IndexQuery query;
    };
    using Subscriptions = std::vector<std::pair<std::string, std::shared_ptr<Subscriber>>>;
    void listen(Subscriptions& to, const char* topic_filter, UniqueFunction<void(const Message&)> hear);
    /// Listens to the connections of things while they are kept: what nobody hears need not be written by those who would say it.
    void follow_presence();
    /// @return whether it did not listen before.
    bool follow_shadows(bool wanted);
    void leave(Subscriptions& subscriptions);
    /// Afterwards everything is committed that was begun before somebody listened.
    Awaitable<void> settle();
    void wake();
    boost::asio::awaitable<void> work();
    Awaitable<void> work_once(std::set<std::string> things, bool reload, bool everything);
    Awaitable<std::vector<DynamicGroup>> load_dynamic_groups();
    Awaitable<void> judge(Thing thing, std::vector<DynamicGroup> groups);
    Awaitable<void> judge_all(std::vector<DynamicGroup> groups);

    Core& core_;
    ThingGroupsPart& groups_;
    std::atomic<Shadows*> shadows_{nullptr};
    std::atomic<bool> connectivity_on_{false};

    std::mutex mutex_;
    std::condition_variable idle_;
    ShardPool* shards_ = nullptr;
    std::set<std::string> dirty_things_;
    bool dirty_groups_ = false, everything_ = false, running_ = false, stopping_ = false;
    bool has_dynamic_groups_ = false;

    std::mutex subscriptions_mutex_;
    TopicIndex* topics_ = nullptr;
    Subscriptions presence_, of_shadows_;
};

}  // namespace fogbank::registry
