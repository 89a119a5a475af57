/// Event source mappings: a function is invoked with what changed in a table, in order, at least once, from a checkpoint that survives
/// kill -9. Source: AWS Lambda API reference 2015-03-31, CreateEventSourceMapping; Developer Guide, "Using AWS Lambda with Amazon
/// DynamoDB".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "lambda/function_reference.h"

namespace fogbank::lambda {

/// A stream has one reader per mapping; what it keeps in memory is one batch and a page.
inline constexpr std::size_t event_source_mappings_max = 250;
// API reference, CreateEventSourceMapping, and the quota of filters.
inline constexpr std::int64_t batch_size_max = 10'000, batching_window_s_max = 300, mapping_retries_max = 10'000;
inline constexpr std::int64_t record_age_s_min = 60, record_age_s_max = 604'800, parallelization_max = 10;
inline constexpr std::size_t event_filters_max = 5, event_filter_bytes_max = 4096;

struct EventSourceMapping {
    std::string id;          ///< UUID
    std::string stream_arn;  ///< of a table's stream
    FunctionReference function;
    std::string function_arn;  ///< with the qualifier, if one was given
    bool from_latest = false;  ///< StartingPosition: LATEST, else TRIM_HORIZON
    bool enabled = true;
    std::int64_t batch_size = 100;
    std::int64_t batching_window_s = 0;
    std::int64_t parallelization = 1;
    std::int64_t record_age_max_s = -1;  ///< -1: as long as the stream keeps records
    std::int64_t retries_max = -1;       ///< -1: no bound
    bool bisect = false;
    bool report_item_failures = false;
    std::string on_failure;            ///< a function's ARN; empty: none
    std::vector<std::string> filters;  ///< patterns; a record that matches none of them is skipped. Empty: all match
    WallTime created_at{}, modified_at{};

    std::string state = {};        ///< `Creating`, `Enabled` … as of the answer; not stored
    std::string last_result = {};  ///< `OK`, `No records processed`, `PROBLEM: …`; not stored
};

/// What is set is set, what is not stays (or, in a new mapping, is the default).
struct EventSourceSettings {
    std::optional<FunctionReference> function;
    std::optional<bool> enabled, bisect, report_item_failures;
    std::optional<std::int64_t> batch_size, batching_window_s, parallelization, record_age_max_s, retries_max;
    std::optional<std::string> on_failure;
    std::optional<std::vector<std::string>> filters;
};

struct CreateEventSourceRequest {
    std::string stream_arn;
    bool from_latest = false;
    EventSourceSettings settings;
};

/// Any thread; everything resumes on the caller's executor.
///
/// Delivery: a batch is invoked until it succeeds, is given up (MaximumRetryAttempts, MaximumRecordAgeInSeconds, the 24 hours of the
/// stream; its description then goes to the failure destination, durably), or the mapping ends. Then, and not earlier, the checkpoint
/// moves. Attempts are counted in memory: a restart counts anew. Batches of a mapping run one after the other.
class EventSources {
  public:
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;
    virtual ~EventSources() = default;

    /// Errors: invalid_parameter (settings out of range, no such stream), resource_not_found (no such function), resource_conflict (this
    /// function reads this stream already), too_many_requests (event_source_mappings_max), unavailable.
    virtual Answer<EventSourceMapping> create(CreateEventSourceRequest request) = 0;
    /// Errors: resource_not_found.
    virtual Answer<EventSourceMapping> get(std::string id) = 0;
    /// All of them, by id.
    virtual Answer<std::vector<EventSourceMapping>> list() = 0;
    /// What runs ends first; the next batch is read from the checkpoint with the new settings. Errors: as of create; resource_not_found;
    /// resource_conflict while another change of it is under way.
    virtual Answer<EventSourceMapping> update(std::string id, EventSourceSettings settings) = 0;
    /// The mapping and its checkpoint. An invocation under way is not waited for. Answers the mapping as it was. Errors:
    /// resource_not_found, unavailable.
    virtual Answer<EventSourceMapping> remove(std::string id) = 0;
};

}  // namespace fogbank::lambda
