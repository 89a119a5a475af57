#include "lambda/stream_poller.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/logging.h"
#include "lambda/detail/wait_for.h"
#include "lambda/event_source_record.h"
#include "lambda/function_service.h"
#include "lambda/limits.h"
#include "store/table/errc.h"

namespace fogbank::lambda {
namespace {

namespace asio = boost::asio;
namespace table = store::table;

/// The bytes of the buffer that make any batch: beyond them nothing more is read.
constexpr std::size_t buffer_bytes_max = sync_event_bytes_max;

bool is(const Error& error, table::Errc code) {
    return error.code == make_error_code(code);
}

/// For the mapping's LastProcessingResult. Source: Developer Guide, "LastProcessingResult": texts that begin with PROBLEM.
std::string problem(const Error& error) {
    return "PROBLEM: " + error.message;
}

}  // namespace

StreamPoller::StreamPoller(const Dependencies& dependencies, EventSourceMapping mapping, std::optional<std::string> latest)
    : dependencies_(dependencies), mapping_(std::move(mapping)), latest_(std::move(latest)), signal_(dependencies.io) {
    take_filters();
}

/// They were judged when the mapping was made.
void StreamPoller::take_filters() {
    filters_.clear();
    for (const auto& pattern : mapping_.filters) {
        auto filter = EventFilter::parse(pattern);
        if (filter) filters_.push_back(std::move(*filter));
    }
}

void StreamPoller::start() {
    asio::co_spawn(dependencies_.io, run(shared_from_this()), asio::detached);
}

void StreamPoller::change(EventSourceMapping mapping, UniqueFunction<void(bool)> done) {
    asio::post(dependencies_.io, [self = shared_from_this(), mapping = std::move(mapping), done = std::move(done)]() mutable {
        self->mapping_ = std::move(mapping);
        self->take_filters();
        ++self->revision_;
        self->wake();
        done(true);
    });
}

void StreamPoller::end() {
    asio::post(dependencies_.io, [self = shared_from_this()] {
        self->ended_ = true;
        self->wake();
    });
}

std::string StreamPoller::last_result() const {
    const std::lock_guard lock(mutex_);
    return last_result_;
}

void StreamPoller::note(std::string result) {
    const std::lock_guard lock(mutex_);
    last_result_ = std::move(result);
}

void StreamPoller::wake() {
    woken_ = true;
    signal_.cancel();
}

/// Until something was woken for, or `at_most` by the room's clock. May come back too early.
asio::awaitable<void> StreamPoller::pause(std::optional<std::chrono::milliseconds> at_most) {
    if (!woken_) {
        Timers::Id limit;
        if (at_most) {
            limit = dependencies_.timers.after(*at_most, [weak = weak_from_this()] {
                const auto self = weak.lock();
                if (self) asio::post(self->dependencies_.io, [self] { self->wake(); });
            });
        }
        signal_.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code ignored;
        co_await signal_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        dependencies_.timers.cancel(limit);
    }
    woken_ = false;
}

/// After a failure: the longer the more there were in a row. New records do not end it.
asio::awaitable<void> StreamPoller::rest() {
    const unsigned doubled = std::min(failures_in_a_row_++, 20U);
    const std::chrono::milliseconds wanted_length = dependencies_.policy.retry_delay * (1LL << doubled);
    const auto length = std::min(dependencies_.policy.retry_delay_max, wanted_length);
    const SteadyTime until = dependencies_.clock.steady() + length;
    while (!interrupted()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - dependencies_.clock.steady());
        if (left <= std::chrono::milliseconds(0)) co_return;
        co_await pause(left);
    }
}

asio::awaitable<void> StreamPoller::run(std::shared_ptr<StreamPoller> self) {
    std::function<void()> announced = [weak = self->weak_from_this()] {
        const auto poller = weak.lock();
        if (poller) asio::post(poller->dependencies_.io, [poller] { poller->wake(); });
    };
    self->watch_ = self->dependencies_.streams.watch(self->mapping_.stream_arn, std::move(announced));
    while (!self->ended_) {
        self->working_on_ = self->revision_;
        if (self->mapping_.enabled) {
            co_await self->poll();
        } else {
            co_await self->pause(std::nullopt);
        }
    }
    self->watch_ = nullptr;
}

/// From the checkpoint on, until the mapping changes or something goes wrong that reading anew may mend.
asio::awaitable<void> StreamPoller::poll() {
    Result<void> fine = co_await locate();
    while (fine && !interrupted()) {
        fine = co_await gather();
        if (fine && !interrupted() && !buffer_.empty()) fine = co_await deliver();
    }
    if (fine || interrupted()) co_return;
    // A batch took longer than an iterator lives; the next one is fresh.
    if (is(fine.error(), table::Errc::expired_iterator)) co_return;
    logger("lambda").warn("an event source mapping cannot go on id={} reason={}", mapping_.id, log_value(fine.error().message));
    note(problem(fine.error()));
    co_await rest();
}

/// Finds where to read from.
StreamPoller::Done StreamPoller::locate() {
    buffer_.clear();
    buffered_bytes_ = 0;
    read_to_.clear();
    skip_before_ = {};
    auto stream = co_await dependencies_.streams.describe_stream(mapping_.stream_arn);
    if (!stream) co_return stream.error();
    shard_id_ = stream->shards.front().id;
    auto stored = co_await dependencies_.engine.get(checkpoint_key(mapping_.id, shard_id_));
    if (!stored) co_return stored.error();
    table::ShardIteratorRequest request;
    request.stream_arn = mapping_.stream_arn;
    request.shard_id = shard_id_;
    if (*stored) {
        request.type = table::ShardIteratorType::after_sequence_number;
        request.sequence_number = **stored;
        auto after = co_await dependencies_.streams.get_shard_iterator(request);
        if (after) iterator_ = std::move(*after);
        if (after || !is(after.error(), table::Errc::trimmed_data_access)) co_return after ? Result<void>() : Result<void>(after.error());
        // What was not read in time is gone.
        request.type = table::ShardIteratorType::trim_horizon;
    } else if (mapping_.from_latest) {
        if (latest_) {
            iterator_ = std::exchange(latest_, std::nullopt);
            co_return Result<void>();
        }
        skip_before_ = mapping_.created_at;
    }
    auto oldest = co_await dependencies_.streams.get_shard_iterator(std::move(request));
    if (!oldest) co_return oldest.error();
    iterator_ = std::move(*oldest);
    co_return Result<void>();
}

void StreamPoller::absorb(const table::StreamRecord& record) {
    read_to_ = record.sequence_number;
    if (record.created_at < skip_before_) return;
    nlohmann::json shown = table::stream_record_json(record, dependencies_.region);
    if (!wanted(filters_, shown)) return;
    shown["eventSourceARN"] = mapping_.stream_arn;
    StreamedRecord out{record.sequence_number, shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), record.created_at};
    buffered_bytes_ += out.json.size();
    buffer_.push_back(std::move(out));
}

/// One page. Records that nobody wants move the checkpoint by themselves.
StreamPoller::Done StreamPoller::read_more(std::size_t limit) {
    const auto count = static_cast<std::int64_t>(std::min<std::size_t>(limit, static_cast<std::size_t>(table::stream_records_max)));
    auto page = co_await dependencies_.streams.get_records(*iterator_, count);
    if (!page) co_return page.error();
    for (const auto& record : page->records) absorb(record);
    iterator_ = std::move(page->next_iterator);
    if (!page->records.empty() && buffer_.empty()) {
        std::string sequence = read_to_;
        co_return co_await checkpoint(std::move(sequence));
    }
    co_return Result<void>();
}

/// Reads until there is a batch. Comes back with none when interrupted.
StreamPoller::Done StreamPoller::gather() {
    const auto wanted_records = static_cast<std::size_t>(mapping_.batch_size);
    const auto window = std::chrono::seconds(mapping_.batching_window_s);
    std::optional<SteadyTime> window_ends;
    while (!interrupted() && buffer_.size() < wanted_records && buffered_bytes_ < buffer_bytes_max) {
        const std::string before = read_to_;
        if (iterator_) {
            const auto read = co_await read_more(wanted_records - buffer_.size());
            if (!read) co_return read;
        }
        const bool moved = read_to_ != before;
        std::optional<std::chrono::milliseconds> at_most = dependencies_.policy.look_again;
        if (!buffer_.empty()) {
            if (!window_ends) window_ends = dependencies_.clock.steady() + window;
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*window_ends - dependencies_.clock.steady());
            if (left <= std::chrono::milliseconds(0) || !iterator_) co_return Result<void>();
            at_most = std::min(*at_most, left);
        } else if (!iterator_) {
            at_most = std::nullopt;
        }
        if (!moved) co_await pause(at_most);
    }
    co_return Result<void>();
}

/// Invokes the next batch, in parts if it must be, until every record is done with.
StreamPoller::Done StreamPoller::deliver() {
    const std::size_t count = batch_length(buffer_, static_cast<std::size_t>(mapping_.batch_size));
    std::deque<Part> parts;
    parts.push_back(Part{0, count, 0});
    while (!parts.empty()) {
        if (interrupted()) co_return Result<void>();
        const auto tried = co_await try_part(parts);
        if (!tried) co_return tried;
    }
    for (std::size_t i = 0; i < count; ++i) buffered_bytes_ -= buffer_[i].json.size();
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(count));
    co_return Result<void>();
}

/// The records at the beginning of the part that are too old. True: the part is done with.
asio::awaitable<Result<bool>> StreamPoller::drop_expired(Part& part) {
    const auto kept = std::chrono::duration_cast<std::chrono::seconds>(table::stream_retention);
    const auto age_max = mapping_.record_age_max_s < 0 ? kept : std::min(kept, std::chrono::seconds(mapping_.record_age_max_s));
    const WallTime oldest = dependencies_.clock.now() - age_max;
    std::size_t end = part.begin;
    while (end < part.end && buffer_[end].created_at < oldest) ++end;
    if (end == part.begin) co_return false;
    const auto dropped = co_await give_up(part.begin, end, "RecordAgeExceeded", part.attempts, nullptr);
    if (!dropped) co_return dropped.error();
    part.begin = end;
    part.attempts = 0;
    co_return part.begin == part.end;
}

/// Halves the first part. False: it has one record.
bool StreamPoller::split(std::deque<Part>& parts) const {
    Part first = parts.front();
    if (first.end - first.begin < 2) return false;
    const std::size_t middle = first.begin + (first.end - first.begin) / 2;
    const Part second{middle, first.end, first.attempts};
    first.end = middle;
    parts.front() = first;
    parts.insert(parts.begin() + 1, second);
    return true;
}

/// One attempt at the first part.
StreamPoller::Done StreamPoller::try_part(std::deque<Part>& parts) {
    const auto expired = co_await drop_expired(parts.front());
    if (!expired) co_return expired.error();
    if (*expired) {
        parts.pop_front();
        co_return Result<void>();
    }
    const Part part = parts.front();
    const std::span<const StreamedRecord> records(buffer_.data() + part.begin, part.end - part.begin);
    InvokeRequest request;
    request.function = mapping_.function;
    request.event = stream_event(records);
    dependencies_.batches.add();
    const auto result = co_await dependencies_.functions.invoke(std::move(request));
    if (!result && result.error().code != make_error_code(Errc::request_too_large)) {
        // It did not reach the function: throttled, gone, or the server stops. No attempt is counted.
        note(problem(result.error()));
        co_await rest();
        co_return Result<void>();
    }
    const std::size_t done = result ? records_done(*result, mapping_.report_item_failures, records) : 0;
    if (done > 0) {
        std::string sequence = buffer_[part.begin + done - 1].sequence_number;
        // With the last of the buffer, what was read and not wanted after it is done with as well.
        if (part.begin + done == buffer_.size()) sequence = read_to_;
        const auto moved = co_await checkpoint(std::move(sequence));
        if (!moved) co_return moved;
        parts.front().begin += done;
        parts.front().attempts = 0;
    }
    if (parts.front().begin == part.end) {
        note("OK");
        failures_in_a_row_ = 0;
        parts.pop_front();
        co_return Result<void>();
    }
    dependencies_.failures.add();
    note("PROBLEM: Function call failed");
    // A split is not an attempt, and records after some that were done are tried for the first time by themselves.
    if (done == 0 && !(mapping_.bisect && split(parts))) {
        Part& failed = parts.front();
        ++failed.attempts;
        if (mapping_.retries_max >= 0 && failed.attempts > mapping_.retries_max) {
            const Part lost = failed;
            parts.pop_front();
            failures_in_a_row_ = 0;
            const InvocationResult* last = result ? &*result : nullptr;
            co_return co_await give_up(lost.begin, lost.end, "RetryAttemptsExhausted", lost.attempts, last);
        }
    }
    co_await rest();
    co_return Result<void>();
}

/// Tells the failure destination, then moves on.
StreamPoller::Done StreamPoller::give_up(std::size_t begin, std::size_t end, std::string_view condition, std::int64_t attempts,
                                         const InvocationResult* last) {
    FailedBatch failed;
    failed.function_arn = mapping_.function_arn;
    failed.stream_arn = mapping_.stream_arn;
    failed.shard_id = shard_id_;
    failed.condition = condition;
    failed.invoke_count = static_cast<std::size_t>(attempts);
    failed.last = last;
    failed.records = std::span<const StreamedRecord>(buffer_.data() + begin, end - begin);
    const std::string request_id = last != nullptr ? last->request_id : dependencies_.random.uuid();
    failed.request_id = request_id;
    failed.now = dependencies_.clock.now();
    dependencies_.dropped.add(end - begin);
    logger("lambda").error("records of a stream are given up mapping={} function={} condition={} records={} first={} last={}", mapping_.id,
                           mapping_.function.name.str(), condition, end - begin, failed.records.front().sequence_number,
                           failed.records.back().sequence_number);
    const auto target = mapping_.on_failure.empty() ? Result<FunctionReference>(Error()) : parse_function_reference(mapping_.on_failure);
    if (target) {
        UniqueFunction<void(UniqueFunction<void(Result<void>)>)> start =
            [this, &target, text = failure_record(failed)](UniqueFunction<void(Result<void>)> answered) mutable {
                dependencies_.functions.invoke_async(*target, std::move(text), std::move(answered));
            };
        const auto told = co_await wait_for<Result<void>>(std::move(start));
        // A destination that is gone must not hold up the stream; a full or stopping queue may.
        if (!told && told.error().code != make_error_code(Errc::resource_not_found)) co_return told;
    }
    std::string sequence = end == buffer_.size() ? read_to_ : buffer_[end - 1].sequence_number;
    co_return co_await checkpoint(std::move(sequence));
}

StreamPoller::Done StreamPoller::checkpoint(std::string sequence_number) {
    store::kv::Batch batch;
    batch.preconditions.push_back({event_source_key(mapping_.id), store::kv::Precondition::Kind::exists, {}});
    batch.put(checkpoint_key(mapping_.id, shard_id_), std::move(sequence_number));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) co_return stored.error();
    co_return Result<void>();
}

}  // namespace fogbank::lambda
