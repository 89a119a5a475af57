#include "lambda/event_sources.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/logging.h"
#include "lambda/detail/event_source_service.h"
#include "lambda/detail/wait_for.h"
#include "lambda/event_filter.h"
#include "lambda/event_source_record.h"
#include "lambda/function_service.h"
#include "store/kv/errc.h"
#include "store/table/errc.h"

namespace fogbank::lambda {
namespace {

namespace asio = boost::asio;
namespace table = store::table;

Error invalid(std::string message) {
    return {Errc::invalid_parameter, std::move(message)};
}
Error unavailable(const Error& error) {
    return {Errc::unavailable, error.message};
}
Error no_mapping() {
    return {Errc::resource_not_found, "The resource you requested does not exist."};
}

struct Bounds {
    std::string_view member;
    const std::optional<std::int64_t>& value;
    std::int64_t low, high;
    bool minus_one = false;  ///< allowed as well: no bound
};

Result<void> within(const Bounds& bounds) {
    if (!bounds.value || (bounds.minus_one && *bounds.value == -1)) return {};
    if (*bounds.value >= bounds.low && *bounds.value <= bounds.high) return {};
    const bool small = *bounds.value < bounds.low;
    return invalid("1 validation error detected: Value '" + std::to_string(*bounds.value) + "' at '" + std::string(bounds.member) +
                   "' failed to satisfy constraint: Member must have value " + (small ? "greater" : "less") + " than or equal to " +
                   std::to_string(small ? bounds.low : bounds.high));
}

Result<void> check_filters(const std::vector<std::string>& filters) {
    if (filters.size() > event_filters_max)
        return invalid("Exceeded maximum number of filters of " + std::to_string(event_filters_max) + ".");
    for (const auto& pattern : filters) {
        const auto filter = EventFilter::parse(pattern);
        if (!filter) return filter.error();
    }
    return {};
}

Result<void> check(const EventSourceSettings& settings) {
    for (const auto& bounds : {Bounds{"batchSize", settings.batch_size, 1, batch_size_max},
                               Bounds{"maximumBatchingWindowInSeconds", settings.batching_window_s, 0, batching_window_s_max},
                               Bounds{"parallelizationFactor", settings.parallelization, 1, parallelization_max},
                               Bounds{"maximumRecordAgeInSeconds", settings.record_age_max_s, record_age_s_min, record_age_s_max, true},
                               Bounds{"maximumRetryAttempts", settings.retries_max, 0, mapping_retries_max, true}}) {
        if (auto valid = within(bounds); !valid) return valid;
    }
    const std::string destination = settings.on_failure.value_or(std::string());
    if (!destination.empty() && (!destination.starts_with("arn:") || !parse_function_reference(destination))) {
        return invalid("The provided destination config DestinationConfig is invalid: `" + destination +
                       "` is not the ARN of a function, the only kind of destination that this server has");
    }
    return settings.filters ? check_filters(*settings.filters) : Result<void>();
}

template <class T>
void set(T& out, std::optional<T>& wanted) {
    if (wanted) out = std::move(*wanted);
}

Error stream_error(const Error& error, const std::string& arn) {
    if (error.code == make_error_code(table::Errc::resource_not_found)) return invalid("Stream not found: " + arn);
    if (error.code == make_error_code(table::Errc::validation)) return invalid("Unrecognized event source, must be a stream of a table.");
    return unavailable(error);
}

}  // namespace

class EventSourceService::Claim {
  public:
    Claim(EventSourceService& service, std::string what) : service_(service), what_(std::move(what)) {}
    ~Claim() {
        const std::lock_guard lock(service_.mutex_);
        service_.claims_.erase(what_);
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

  private:
    EventSourceService& service_;
    const std::string what_;
};

EventSourceService::EventSourceService(const Dependencies& dependencies)
    : dependencies_(dependencies),
      batches_(dependencies.metrics.counter("fogbank_lambda_stream_batches_total", "Batches of stream records sent to functions.")),
      failures_(dependencies.metrics.counter("fogbank_lambda_stream_failures_total", "Batches of stream records that failed.")),
      dropped_(dependencies.metrics.counter("fogbank_lambda_stream_dropped_records_total",
                                            "Stream records given up after their last attempt, or too old.")),
      guard_(asio::make_work_guard(io_)) {
    thread_ = std::thread([this] { io_.run(); });
    pthread_setname_np(thread_.native_handle(), "lambda-streams");
}

StreamPoller::Dependencies EventSourceService::poller_dependencies() {
    return {dependencies_.functions,
            dependencies_.engine,
            *dependencies_.streams,
            dependencies_.clock,
            dependencies_.random,
            dependencies_.timers,
            io_,
            dependencies_.arns.region().str(),
            dependencies_.policy,
            batches_,
            failures_,
            dropped_};
}

asio::awaitable<Result<void>> EventSourceService::load() {
    if (dependencies_.streams == nullptr) co_return Result<void>();
    store::kv::ScanOptions options;
    options.range = event_source_keys();
    const auto page = co_await dependencies_.engine.scan(options);
    if (!page) co_return unavailable(page.error());
    for (const auto& item : page->items) {
        auto mapping = decode_event_source_mapping(item.value);
        if (mapping) {
            keep(std::move(*mapping), std::nullopt);
        } else {
            logger("lambda").error("a stored event source mapping cannot be read and is left out bytes={}", item.value.size());
        }
    }
    co_return Result<void>();
}

/// Adds it and, if the service runs, begins to poll.
void EventSourceService::keep(EventSourceMapping mapping, std::optional<std::string> latest) {
    auto poller = std::make_shared<StreamPoller>(poller_dependencies(), mapping, std::move(latest));
    const std::lock_guard lock(mutex_);
    if (started_ && !ended_) poller->start();
    const std::string id = mapping.id;
    entries_.insert_or_assign(id, Entry{std::move(mapping), std::move(poller)});
}

void EventSourceService::start() {
    const std::lock_guard lock(mutex_);
    started_ = true;
    for (const auto& [id, entry] : entries_) entry.poller->start();
}

void EventSourceService::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (const auto& [id, entry] : entries_) entry.poller->end();
}

void EventSourceService::stop() {
    end();
    guard_.reset();
    if (thread_.joinable()) thread_.join();
}

std::optional<EventSourceService::Entry> EventSourceService::find(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    Entry out = found->second;
    out.mapping.state = out.mapping.enabled ? "Enabled" : "Disabled";
    out.mapping.last_result = out.poller->last_result();
    return out;
}

/// A function reads a stream through one mapping only.
Result<std::unique_ptr<EventSourceService::Claim>> EventSourceService::claim_pair(const EventSourceMapping& mapping) {
    const std::string pair = mapping.function_arn + " " + mapping.stream_arn;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : entries_) {
        const bool same = entry.mapping.function_arn == mapping.function_arn && entry.mapping.stream_arn == mapping.stream_arn;
        if (!same || id == mapping.id) continue;
        return Error(Errc::resource_conflict, "The event source arn (\" " + mapping.stream_arn + " \") and function (\" " +
                                                  mapping.function.name.str() +
                                                  " \") provided mapping already exists. Please update or delete the existing mapping "
                                                  "with UUID " +
                                                  id);
    }
    if (entries_.size() + claims_.size() >= event_source_mappings_max)
        return Error(Errc::too_many_requests, "this server has at most " + std::to_string(event_source_mappings_max) + " mappings");
    if (!claims_.insert(pair).second)
        return Error(Errc::resource_conflict, "another change of this function's mapping to this stream is under way");
    return std::make_unique<Claim>(*this, pair);
}

asio::awaitable<Result<void>> EventSourceService::apply(EventSourceSettings settings, EventSourceMapping& mapping) {
    if (auto valid = check(settings); !valid) co_return valid;
    if (settings.function) {
        const auto known = co_await dependencies_.functions.administration().get_version(*settings.function);
        if (!known) co_return known.error();
        mapping.function = *settings.function;
        mapping.function_arn = dependencies_.arns.function(mapping.function.name);
        if (!mapping.function.qualifier.empty()) mapping.function_arn += ":" + mapping.function.qualifier;
    }
    set(mapping.enabled, settings.enabled);
    set(mapping.bisect, settings.bisect);
    set(mapping.report_item_failures, settings.report_item_failures);
    set(mapping.batch_size, settings.batch_size);
    set(mapping.batching_window_s, settings.batching_window_s);
    set(mapping.parallelization, settings.parallelization);
    set(mapping.record_age_max_s, settings.record_age_max_s);
    set(mapping.retries_max, settings.retries_max);
    set(mapping.on_failure, settings.on_failure);
    set(mapping.filters, settings.filters);
    mapping.modified_at = dependencies_.clock.now();
    co_return Result<void>();
}

/// For LATEST an iterator that stands where the stream ends now.
asio::awaitable<Result<std::optional<std::string>>> EventSourceService::find_start(const EventSourceMapping& mapping) {
    using Start = Result<std::optional<std::string>>;
    const auto stream = co_await dependencies_.streams->describe_stream(mapping.stream_arn);
    if (!stream) co_return stream_error(stream.error(), mapping.stream_arn);
    if (!mapping.from_latest) co_return Start(std::nullopt);
    table::ShardIteratorRequest request;
    request.stream_arn = mapping.stream_arn;
    request.shard_id = stream->shards.front().id;
    request.type = table::ShardIteratorType::latest;
    auto iterator = co_await dependencies_.streams->get_shard_iterator(std::move(request));
    if (!iterator) co_return stream_error(iterator.error(), mapping.stream_arn);
    co_return Start(std::move(*iterator));
}

EventSources::Answer<EventSourceMapping> EventSourceService::create(CreateEventSourceRequest request) {
    if (dependencies_.streams == nullptr) co_return Error(Errc::unavailable, "this server has no streams");
    EventSourceMapping mapping;
    mapping.id = dependencies_.random.uuid();
    mapping.stream_arn = std::move(request.stream_arn);
    mapping.from_latest = request.from_latest;
    mapping.created_at = dependencies_.clock.now();
    if (!request.settings.function) co_return invalid("a mapping needs a function");
    const auto applied = co_await apply(std::move(request.settings), mapping);
    if (!applied) co_return applied.error();
    auto latest = co_await find_start(mapping);
    if (!latest) co_return latest.error();
    const auto claimed = claim_pair(mapping);
    if (!claimed) co_return claimed.error();
    store::kv::Batch batch;
    batch.preconditions.push_back({event_source_key(mapping.id), store::kv::Precondition::Kind::absent, {}});
    batch.put(event_source_key(mapping.id), encode(mapping));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) co_return unavailable(stored.error());
    keep(mapping, std::move(*latest));
    mapping.state = "Creating";
    mapping.last_result = "No records processed";
    co_return mapping;
}

EventSources::Answer<EventSourceMapping> EventSourceService::get(std::string id) {
    auto entry = find(id);
    if (!entry) co_return no_mapping();
    co_return std::move(entry->mapping);
}

EventSources::Answer<std::vector<EventSourceMapping>> EventSourceService::list() {
    std::vector<EventSourceMapping> out;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : entries_) {
        out.push_back(entry.mapping);
        out.back().state = entry.mapping.enabled ? "Enabled" : "Disabled";
        out.back().last_result = entry.poller->last_result();
    }
    co_return out;
}

EventSources::Answer<EventSourceMapping> EventSourceService::update(std::string id, EventSourceSettings settings) {
    auto entry = find(id);
    if (!entry) co_return no_mapping();
    const std::string before = encode(entry->mapping);
    EventSourceMapping mapping = entry->mapping;
    const auto applied = co_await apply(std::move(settings), mapping);
    if (!applied) co_return applied.error();
    const auto claimed = claim_pair(mapping);
    if (!claimed) co_return claimed.error();
    store::kv::Batch batch;
    batch.preconditions.push_back({event_source_key(id), store::kv::Precondition::Kind::equals, before});
    batch.put(event_source_key(id), encode(mapping));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) {
        if (stored.error().code == make_error_code(store::kv::Errc::precondition_failed))
            co_return Error(Errc::resource_conflict, "another change of this mapping is under way");
        co_return unavailable(stored.error());
    }
    // Who has been told that it is disabled finds no batch begun afterwards.
    UniqueFunction<void(UniqueFunction<void(bool)>)> change = [&](UniqueFunction<void(bool)> done) {
        entry->poller->change(mapping, std::move(done));
    };
    co_await wait_for<bool>(std::move(change));
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(id);
        if (found != entries_.end()) found->second.mapping = mapping;
    }
    const bool switched = mapping.enabled != entry->mapping.enabled;
    mapping.state = !switched ? "Updating" : mapping.enabled ? "Enabling" : "Disabling";
    co_return mapping;
}

EventSources::Answer<EventSourceMapping> EventSourceService::remove(std::string id) {
    const auto entry = find(id);
    if (!entry) co_return no_mapping();
    store::kv::TransactionBody body = [id](store::kv::Transaction& transaction) -> Result<void> {
        transaction.erase(event_source_key(id));
        transaction.erase_range(checkpoint_keys(id));
        return {};
    };
    const auto erased = co_await dependencies_.engine.transact(std::move(body));
    if (!erased) co_return unavailable(erased.error());
    {
        const std::lock_guard lock(mutex_);
        entries_.erase(id);
    }
    entry->poller->end();
    EventSourceMapping mapping = entry->mapping;
    mapping.state = "Deleting";
    co_return mapping;
}

}  // namespace fogbank::lambda
