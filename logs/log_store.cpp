#include "logs/log_store.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "logs/chunk.h"
#include "store/kv/key.h"

namespace fogbank::logs {
namespace {

namespace asio = boost::asio;

/// How long events are gathered before they are written.
constexpr std::chrono::milliseconds gather_time{100};
constexpr std::size_t chunk_events_max = 1000;

Error unavailable(const Error& error) {
    return {Errc::unavailable, error.message};
}
Error no_group() {
    return {Errc::resource_not_found, "The specified log group does not exist."};
}
Error no_stream() {
    return {Errc::resource_not_found, "The specified log stream does not exist."};
}

/// What is known of a chunk without reading it.
struct ChunkFacts {
    WallTime first{}, last{};
    std::size_t bytes = 0;
};

struct Stream {
    WallTime created_at{};
    std::optional<WallTime> last_ingestion;
    std::map<std::uint64_t, ChunkFacts> chunks;
};

struct Group {
    WallTime created_at{};
    std::optional<std::int64_t> retention_days;
    std::map<std::string, Stream> streams;
    std::size_t bytes = 0;
};

using Where = std::pair<std::string, std::string>;

using Told = std::vector<UniqueFunction<void(Result<void>)>>;

struct Pending {
    std::vector<LogEvent> events;
    Told told;
    std::size_t dropped = 0;
};

ChunkFacts facts_of(const std::vector<LogEvent>& events, std::size_t bytes) {
    ChunkFacts facts{events.front().at, events.front().at, bytes};
    for (const LogEvent& event : events) {
        facts.first = std::min(facts.first, event.at);
        facts.last = std::max(facts.last, event.at);
    }
    return facts;
}

std::string meta_value(WallTime created_at, std::optional<std::int64_t> retention_days) {
    return store::kv::KeyBuilder()
        .number(static_cast<std::uint64_t>(created_at.time_since_epoch().count()))
        .number(static_cast<std::uint64_t>(retention_days.value_or(0)))
        .str();
}

class Store final : public LogStore {
  public:
    Store(store::kv::Engine& engine, const Clock& clock, Metrics& metrics)
        : engine_(engine),
          clock_(clock),
          dropped_(metrics.counter("fogbank_logs_dropped_events_total", "Log events that came too fast to keep.")) {}
    ~Store() override { stop(); }

    asio::awaitable<Result<void>> load();
    void run() {
        writer_ = std::thread([this] { write_loop(); });
        pthread_setname_np(writer_.native_handle(), "logs-writer");
    }

    Answer<void> create_group(std::string group) override;
    Answer<void> create_stream(std::string group, std::string stream) override;
    Answer<void> delete_group(std::string group) override;
    Answer<void> delete_stream(std::string group, std::string stream) override;
    Answer<void> set_retention(std::string group, std::optional<std::int64_t> days) override;
    std::vector<LogGroup> groups() const override;
    Result<std::vector<LogStream>> streams(const std::string& group) const override;
    Answer<std::vector<StoredEvent>> events(std::string group, std::optional<std::string> stream, TimeRange range) override;
    bool has_group(const std::string& group) const override;
    void write(std::string group, std::string stream, std::vector<LogEvent> events) override {
        write(std::move(group), std::move(stream), std::move(events), nullptr);
    }
    void write(std::string group, std::string stream, std::vector<LogEvent> events, UniqueFunction<void(Result<void>)> done) override;
    void stop() override;

  private:
    template <class Visit>
    asio::awaitable<Result<void>> scan_all(const store::kv::Range& range, const Visit& visit);
    asio::awaitable<Result<void>> commit(store::kv::Batch batch);
    void write_loop();
    void write_out(std::map<Where, Pending> pending);
    void add_chunk(store::kv::Batch& batch, const Where& where, Pending& pending);
    void ensure(store::kv::Batch& batch, const Where& where);
    void trim(store::kv::Batch& batch);
    void trim_group(store::kv::Batch& batch, const std::string& name, Group& group);
    void drop_oldest(store::kv::Batch& batch, const std::string& name, Group& group);

    store::kv::Engine& engine_;
    const Clock& clock_;
    Counter& dropped_;
    mutable std::mutex mutex_;  ///< guards what follows
    std::condition_variable changed_;
    std::map<std::string, Group> groups_;
    std::map<Where, Pending> pending_;
    std::size_t pending_bytes_ = 0, total_bytes_ = 0;
    std::uint64_t last_chunk_ = 0;
    bool stopped_ = false, somebody_waits_ = false;
    std::thread writer_;
};

template <class Visit>
asio::awaitable<Result<void>> Store::scan_all(const store::kv::Range& range, const Visit& visit) {
    store::kv::ScanOptions options;
    options.range = range;
    bool more = true;
    while (more) {
        const auto page = co_await engine_.scan(options);
        if (!page) co_return unavailable(page.error());
        for (const auto& item : page->items) visit(item);
        more = page->more && !page->items.empty();
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> Store::load() {
    const auto names = [](const std::string& key) {
        store::kv::KeyReader reader(key);
        reader.text();
        reader.text();
        auto group = reader.text();
        auto stream = reader.text();
        return std::tuple(std::move(group), std::move(stream), reader.number());
    };
    const auto take_group = [&](const store::kv::KeyValue& item) {
        const auto [group, stream, chunk] = names(item.key);
        store::kv::KeyReader value(item.value);
        const auto created = value.number();
        const auto days = value.number();
        if (!group || !created || !days) return;
        Group& known = groups_[*group];
        known.created_at = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(*created)));
        if (*days > 0) known.retention_days = static_cast<std::int64_t>(*days);
    };
    const auto take_stream = [&](const store::kv::KeyValue& item) {
        const auto [group, stream, chunk] = names(item.key);
        const auto created = store::kv::KeyReader(item.value).number();
        const auto known = group ? groups_.find(*group) : groups_.end();
        if (known == groups_.end() || !stream || !created) return;
        known->second.streams[*stream].created_at = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(*created)));
    };
    const auto take_chunk = [&](const store::kv::KeyValue& item) {
        const auto [group, stream, chunk] = names(item.key);
        const auto events = decode_chunk(item.value);
        const auto known = group ? groups_.find(*group) : groups_.end();
        if (known == groups_.end() || !stream || !chunk || !events || events->empty()) return;
        ChunkFacts facts{events->front().at, events->front().at, item.key.size() + item.value.size()};
        for (const StoredEvent& event : *events) {
            facts.first = std::min(facts.first, event.at);
            facts.last = std::max(facts.last, event.at);
        }
        Stream& into = known->second.streams[*stream];
        into.chunks[*chunk] = facts;
        into.last_ingestion = events->front().ingested_at;
        known->second.bytes += facts.bytes;
        total_bytes_ += facts.bytes;
        last_chunk_ = std::max(last_chunk_, *chunk);
    };
    const auto groups = all_group_keys();
    const auto streams = all_stream_keys();
    const auto chunks = all_chunk_keys();
    auto read = co_await scan_all(groups, take_group);
    if (read) read = co_await scan_all(streams, take_stream);
    if (read) read = co_await scan_all(chunks, take_chunk);
    co_return read;
}

asio::awaitable<Result<void>> Store::commit(store::kv::Batch batch) {
    const auto stored = co_await engine_.commit(std::move(batch));
    if (!stored) co_return unavailable(stored.error());
    co_return Result<void>();
}

LogStore::Answer<void> Store::create_group(std::string group) {
    if (!is_group_name(group)) co_return Error(Errc::invalid_parameter, "the log group's name is not valid");
    store::kv::Batch batch;
    {
        const std::lock_guard lock(mutex_);
        if (groups_.contains(group)) co_return Error(Errc::resource_already_exists, "The specified log group already exists");
        if (groups_.size() >= groups_max) co_return Error(Errc::limit_exceeded, "Resource limit exceeded.");
        groups_[group].created_at = clock_.now();
        batch.put(group_key(group), meta_value(clock_.now(), std::nullopt));
    }
    co_return co_await commit(std::move(batch));
}

LogStore::Answer<void> Store::create_stream(std::string group, std::string stream) {
    if (!is_stream_name(stream)) co_return Error(Errc::invalid_parameter, "the log stream's name is not valid");
    store::kv::Batch batch;
    {
        const std::lock_guard lock(mutex_);
        const auto found = groups_.find(group);
        if (found == groups_.end()) co_return no_group();
        if (found->second.streams.contains(stream))
            co_return Error(Errc::resource_already_exists, "The specified log stream already exists");
        if (found->second.streams.size() >= streams_per_group_max) co_return Error(Errc::limit_exceeded, "Resource limit exceeded.");
        found->second.streams[stream].created_at = clock_.now();
        batch.put(stream_key(group, stream), meta_value(clock_.now(), std::nullopt));
    }
    co_return co_await commit(std::move(batch));
}

LogStore::Answer<void> Store::delete_group(std::string group) {
    Told told;
    {
        const std::lock_guard lock(mutex_);
        const auto found = groups_.find(group);
        if (found == groups_.end()) co_return no_group();
        total_bytes_ -= found->second.bytes;
        groups_.erase(found);
        for (auto it = pending_.begin(); it != pending_.end();) {
            if (it->first.first != group) {
                ++it;
                continue;
            }
            for (auto& one : it->second.told) told.push_back(std::move(one));
            it = pending_.erase(it);
        }
    }
    for (auto& one : told) one(no_group());
    store::kv::TransactionBody body = [group](store::kv::Transaction& transaction) -> Result<void> {
        transaction.erase(group_key(group));
        transaction.erase_range(stream_keys(group));
        transaction.erase_range(chunk_keys(group));
        return {};
    };
    const auto stored = co_await engine_.transact(std::move(body));
    if (!stored) co_return unavailable(stored.error());
    co_return Result<void>();
}

LogStore::Answer<void> Store::delete_stream(std::string group, std::string stream) {
    Told told;
    {
        const std::lock_guard lock(mutex_);
        const auto found = groups_.find(group);
        if (found == groups_.end()) co_return no_group();
        const auto one = found->second.streams.find(stream);
        if (one == found->second.streams.end()) co_return no_stream();
        for (const auto& [number, facts] : one->second.chunks) {
            found->second.bytes -= facts.bytes;
            total_bytes_ -= facts.bytes;
        }
        found->second.streams.erase(one);
        if (auto pending = pending_.extract({group, stream})) told = std::move(pending.mapped().told);
    }
    for (auto& one : told) one(no_stream());
    store::kv::TransactionBody body = [group, stream](store::kv::Transaction& transaction) -> Result<void> {
        transaction.erase(stream_key(group, stream));
        transaction.erase_range(chunk_keys(group, stream));
        return {};
    };
    const auto stored = co_await engine_.transact(std::move(body));
    if (!stored) co_return unavailable(stored.error());
    co_return Result<void>();
}

LogStore::Answer<void> Store::set_retention(std::string group, std::optional<std::int64_t> days) {
    store::kv::Batch batch;
    {
        const std::lock_guard lock(mutex_);
        const auto found = groups_.find(group);
        if (found == groups_.end()) co_return no_group();
        found->second.retention_days = days;
        batch.put(group_key(group), meta_value(found->second.created_at, days));
        trim_group(batch, group, found->second);
    }
    co_return co_await commit(std::move(batch));
}

std::vector<LogGroup> Store::groups() const {
    const std::lock_guard lock(mutex_);
    std::vector<LogGroup> out;
    for (const auto& [name, group] : groups_) out.push_back({name, group.created_at, group.retention_days, group.bytes});
    return out;
}

Result<std::vector<LogStream>> Store::streams(const std::string& group) const {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(group);
    if (found == groups_.end()) return no_group();
    std::vector<LogStream> out;
    for (const auto& [name, stream] : found->second.streams) {
        LogStream one;
        one.name = name;
        one.created_at = stream.created_at;
        one.last_ingestion = stream.last_ingestion;
        for (const auto& [number, facts] : stream.chunks) {
            one.first_event = std::min(one.first_event.value_or(facts.first), facts.first);
            one.last_event = std::max(one.last_event.value_or(facts.last), facts.last);
            one.stored_bytes += facts.bytes;
        }
        out.push_back(std::move(one));
    }
    return out;
}

LogStore::Answer<std::vector<StoredEvent>> Store::events(std::string group, std::optional<std::string> stream, TimeRange range) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = groups_.find(group);
        if (found == groups_.end()) co_return no_group();
        if (stream && !found->second.streams.contains(*stream)) co_return no_stream();
    }
    std::vector<StoredEvent> out;
    const auto take = [&](const store::kv::KeyValue& item) {
        store::kv::KeyReader key(item.key);
        key.text();
        key.text();
        key.text();
        const auto in_stream = key.text();
        const auto number = key.number();
        auto some = decode_chunk(item.value);
        if (!in_stream || !number || !some) return;
        for (StoredEvent& event : *some) {
            if ((range.begin && event.at < *range.begin) || (range.end && event.at >= *range.end)) continue;
            event.chunk = *number;
            event.stream = *in_stream;
            out.push_back(std::move(event));
        }
    };
    store::kv::Range chunks;
    if (stream) {
        chunks = chunk_keys(group, *stream);
    } else {
        chunks = chunk_keys(group);
    }
    const auto read = co_await scan_all(chunks, take);
    if (!read) co_return read.error();
    std::sort(out.begin(), out.end(), [](const StoredEvent& a, const StoredEvent& b) {
        return std::tie(a.at, a.chunk, a.index) < std::tie(b.at, b.chunk, b.index);
    });
    co_return out;
}

bool Store::has_group(const std::string& group) const {
    const std::lock_guard lock(mutex_);
    return groups_.contains(group);
}

void Store::write(std::string group, std::string stream, std::vector<LogEvent> events, UniqueFunction<void(Result<void>)> done) {
    std::size_t bytes = 0;
    for (LogEvent& event : events) {
        if (event.message.size() > event_bytes_max) event.message.resize(event_bytes_max);
        bytes += event.message.size() + 32;
    }
    std::optional<Error> refused;
    {
        const std::lock_guard lock(mutex_);
        const bool good = is_group_name(group) && is_stream_name(stream) && (groups_.contains(group) || groups_.size() < groups_max);
        if (!good) {
            dropped_.add(events.size());
            refused = Error(Errc::invalid_parameter, "the names of log group and stream are not valid, or there are too many groups");
        } else if (stopped_ || (pending_bytes_ + bytes > pending_bytes_max && pending_bytes_ > 0)) {
            // Who is told can write it again; the others' events are lost, which the stream must say.
            if (!done) pending_[{std::move(group), std::move(stream)}].dropped += events.size();
            dropped_.add(events.size());
            refused = Error(Errc::unavailable, "log events come faster than they can be kept");
        } else {
            Pending& pending = pending_[{std::move(group), std::move(stream)}];
            pending_bytes_ += bytes;
            std::move(events.begin(), events.end(), std::back_inserter(pending.events));
            somebody_waits_ = somebody_waits_ || done;
            if (done) pending.told.push_back(std::move(done));
        }
        changed_.notify_one();
    }
    if (refused && done) done(*refused);  // NOLINT(bugprone-use-after-move): moved only where nothing was refused
}

void Store::write_loop() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopped_ || !pending_.empty(); });
        // Waits for more, unless somebody waits for the commit or this is the end.
        changed_.wait_for(lock, gather_time, [this] { return stopped_ || somebody_waits_; });
        somebody_waits_ = false;
        const bool last = stopped_;
        std::map<Where, Pending> pending;
        pending.swap(pending_);
        pending_bytes_ = 0;
        lock.unlock();
        if (!pending.empty()) write_out(std::move(pending));
        lock.lock();
        if (last && pending_.empty()) return;
    }
}

/// One batch, and waits for its commit: so the writer is never ahead of the engine.
void Store::write_out(std::map<Where, Pending> pending) {
    store::kv::Batch batch;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [where, some] : pending) add_chunk(batch, where, some);
        trim(batch);
    }
    std::mutex waiting;
    std::condition_variable finished;
    std::optional<Result<void>> outcome;
    engine_.commit(std::move(batch), [&](Result<void> result) {
        const std::lock_guard lock(waiting);
        outcome = std::move(result);
        finished.notify_one();
    });
    {
        std::unique_lock lock(waiting);
        finished.wait(lock, [&] { return outcome.has_value(); });
    }
    for (auto& [where, some] : pending) {
        for (auto& told : some.told) told(*outcome ? Result<void>() : Result<void>(unavailable(outcome->error())));
    }
}

/// A stream that is written to is there.
void Store::ensure(store::kv::Batch& batch, const Where& where) {
    auto [group, new_group] = groups_.try_emplace(where.first);
    if (new_group) {
        group->second.created_at = clock_.now();
        batch.put(group_key(where.first), meta_value(clock_.now(), std::nullopt));
    }
    auto [stream, new_stream] = group->second.streams.try_emplace(where.second);
    if (!new_stream) return;
    stream->second.created_at = clock_.now();
    batch.put(stream_key(where.first, where.second), meta_value(clock_.now(), std::nullopt));
}

void Store::add_chunk(store::kv::Batch& batch, const Where& where, Pending& pending) {
    if (pending.dropped > 0) {
        LogEvent lost{clock_.now(),
                      std::to_string(pending.dropped) + " log events are missing here: they came faster than they could be kept"};
        pending.events.push_back(std::move(lost));
    }
    ensure(batch, where);
    Group& group = groups_[where.first];
    Stream& stream = group.streams[where.second];
    for (std::size_t begin = 0; begin < pending.events.size(); begin += chunk_events_max) {
        const std::size_t end = std::min(begin + chunk_events_max, pending.events.size());
        const std::vector<LogEvent> part(pending.events.begin() + static_cast<std::ptrdiff_t>(begin),
                                         pending.events.begin() + static_cast<std::ptrdiff_t>(end));
        std::string key = chunk_key(where.first, where.second, ++last_chunk_);
        std::string value = encode_chunk(part, clock_.now());
        const auto facts = facts_of(part, key.size() + value.size());
        stream.chunks[last_chunk_] = facts;
        stream.last_ingestion = clock_.now();
        group.bytes += facts.bytes;
        total_bytes_ += facts.bytes;
        batch.put(std::move(key), std::move(value));
    }
    trim_group(batch, where.first, group);
}

void Store::trim_group(store::kv::Batch& batch, const std::string& name, Group& group) {
    if (group.retention_days) {
        const WallTime oldest = clock_.now() - std::chrono::hours(24 * *group.retention_days);
        for (auto& [stream_name, stream] : group.streams) {
            std::erase_if(stream.chunks, [&, &stream_name = stream_name](const auto& chunk) {
                if (chunk.second.last >= oldest) return false;
                group.bytes -= chunk.second.bytes;
                total_bytes_ -= chunk.second.bytes;
                batch.erase(chunk_key(name, stream_name, chunk.first));
                return true;
            });
        }
    }
    while (group.bytes > group_bytes_max) drop_oldest(batch, name, group);
}

/// The chunk that came in first goes, and its stream if that was all.
void Store::drop_oldest(store::kv::Batch& batch, const std::string& name, Group& group) {
    auto oldest = group.streams.end();
    for (auto it = group.streams.begin(); it != group.streams.end(); ++it) {
        if (it->second.chunks.empty()) continue;
        if (oldest == group.streams.end() || it->second.chunks.begin()->first < oldest->second.chunks.begin()->first) oldest = it;
    }
    if (oldest == group.streams.end()) {
        group.bytes = 0;
        return;
    }
    const auto chunk = oldest->second.chunks.begin();
    group.bytes -= chunk->second.bytes;
    total_bytes_ -= chunk->second.bytes;
    batch.erase(chunk_key(name, oldest->first, chunk->first));
    oldest->second.chunks.erase(chunk);
    if (!oldest->second.chunks.empty()) return;
    batch.erase(stream_key(name, oldest->first));
    group.streams.erase(oldest);
}

/// All groups together: the largest gives way.
void Store::trim(store::kv::Batch& batch) {
    while (total_bytes_ > total_bytes_max) {
        const auto largest =
            std::max_element(groups_.begin(), groups_.end(), [](const auto& a, const auto& b) { return a.second.bytes < b.second.bytes; });
        if (largest == groups_.end() || largest->second.bytes == 0) return;
        drop_oldest(batch, largest->first, largest->second);
    }
}

void Store::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        changed_.notify_all();
    }
    if (writer_.joinable()) writer_.join();
}

}  // namespace

bool is_group_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-/#").find(c) != std::string_view::npos;
    });
}

bool is_stream_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max && name.find_first_of(":*") == std::string_view::npos;
}

asio::awaitable<Result<std::unique_ptr<LogStore>>> open_log_store(store::kv::Engine& engine, const Clock& clock, Metrics& metrics) {
    auto store = std::make_unique<Store>(engine, clock, metrics);
    if (const auto loaded = co_await store->load(); !loaded) co_return loaded.error();
    store->run();
    co_return std::unique_ptr<LogStore>(std::move(store));
}

}  // namespace fogbank::logs
