/// Fleet indexing: searching and counting things by what the registry, their shadows and their connections say. Source: AWS IoT Core
/// Developer Guide, "Fleet indexing" (reference "registry", section 15).
///
/// A query reads the things of the registry in chunks, and of their shadows and connections what it asks for, so its answer is never
/// behind; its cost is linear in the fleet unless it demands a name, a type or an attribute, or how one begins: then, in the things that
/// have it. Connectivity is written down when presence events tell of it. Members of dynamic groups follow changes in the background.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/errc.h"
#include "registry/paging.h"

namespace fogbank {
class Shadows;
class ShardPool;
class TopicIndex;
}  // namespace fogbank

namespace fogbank::registry {

struct CustomField {
    std::string name, type;  ///< type: Number, String or Boolean
};

struct IndexingConfiguration {
    std::string thing_mode = "OFF";         ///< OFF, REGISTRY or REGISTRY_AND_SHADOW
    std::string connectivity_mode = "OFF";  ///< OFF or STATUS
    std::string named_shadow_mode = "OFF";  ///< OFF or ON
    std::string group_mode = "OFF";         ///< OFF or ON
    std::vector<std::string> named_shadows;
    std::vector<CustomField> custom_fields, group_custom_fields;
    bool things() const { return thing_mode != "OFF"; }
    bool shadows() const { return thing_mode == "REGISTRY_AND_SHADOW"; }
    bool named() const { return named_shadow_mode == "ON"; }
    bool connectivity() const { return connectivity_mode == "STATUS"; }
    bool groups() const { return group_mode == "ON"; }
};

/// Which of the two parts an update changes; what is not given stays.
struct IndexingUpdate {
    bool things = false, groups = false;
    IndexingConfiguration configuration;
};

struct IndexDescription {
    std::string name, status, schema;
};

/// `documents` are the JSON objects of SearchIndex's answer.
struct SearchPage {
    bool groups = false;
    std::vector<std::string> documents;
    std::optional<std::string> next;
};

struct IndexStatistics {
    std::int64_t count = 0;
    bool numeric = false;  ///< only then the rest says something
    double average = 0, sum = 0, minimum = 0, maximum = 0, sum_of_squares = 0, variance = 0, deviation = 0;
};

struct IndexBuckets {
    std::int64_t total = 0;
    std::vector<std::pair<std::string, std::int64_t>> buckets;  ///< most frequent first
};

/// What a search or an aggregation asks.
struct IndexRequest {
    std::string index = "AWS_Things";
    std::string query;
    std::string field = "registry.version";  ///< aggregations
    std::int64_t items_max = 100;            ///< a page, or the buckets
    std::optional<std::string> marker;
};

class FleetIndex {
  public:
    virtual ~FleetIndex() = default;
    /// Errors: invalid_request.
    virtual Awaitable<void> update_indexing_configuration(IndexingUpdate update) = 0;
    virtual Awaitable<IndexingConfiguration> indexing_configuration() = 0;

    // Errors of what follows: resource_not_found while the index is off, invalid_query, invalid_aggregation.

    virtual Awaitable<SearchPage> search(IndexRequest request) = 0;
    virtual Awaitable<IndexDescription> describe_index(std::string name) = 0;
    virtual Awaitable<std::vector<std::string>> list_indices() = 0;
    virtual Awaitable<IndexStatistics> statistics(IndexRequest request) = 0;
    virtual Awaitable<std::int64_t> cardinality(IndexRequest request) = 0;
    /// Pairs of percent and value.
    virtual Awaitable<std::vector<std::pair<double, double>>> percentiles(IndexRequest request, std::vector<double> percents) = 0;
    virtual Awaitable<IndexBuckets> buckets(IndexRequest request) = 0;

    /// What is known of a thing's connection, as JSON {connected, timestamp, disconnectReason}; nothing: never seen.
    virtual Awaitable<std::optional<std::string>> connectivity_of(std::string thing) = 0;

    /// Begins to follow presence and shadow changes, and to keep the members of dynamic groups. `shadows` may be null: then they are not
    /// searched. All must outlive `stop`.
    virtual void start(ShardPool& shards, TopicIndex& topics, Shadows* shadows) = 0;
    /// Lets go of what `start` was given. Call it while the shards still run.
    virtual void stop() = 0;
};

}  // namespace fogbank::registry
