#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <iterator>
#include <limits>
#include <utility>

#include "shadow/detail/lane.h"
#include "shadow/errc.h"
#include "store/kv/errc.h"

namespace fogbank::shadow::detail {
namespace {

namespace asio = boost::asio;
namespace kv = store::kv;

std::int64_t seconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// A connection is known by its origin, which all its messages share.
std::string inflight_key(const Request& request) {
    const auto* origin = request.origin.get();
    return std::string(reinterpret_cast<const char*>(&origin), sizeof(void*)) + request.name.thing.str();
}

std::size_t remembered_bytes(const Stored& stored) {
    constexpr std::size_t overhead = 512;  // of the entry around it
    return stored.bytes.value_or("").size() + overhead;
}

/// What a device learns of a failed store: 503 while the server stops, else 500.
Error as_shadow_error(const Error& error) {
    if (error.code.category() == category()) return error;
    return Error(error.code == kv::Errc::stopped ? Errc::unavailable : Errc::internal_failure, error.message);
}

}  // namespace

/// Only connections have the limit; it is per thing, over all its shadows.
bool Lane::admit(const Request& request) {
    const std::size_t limit = surroundings_.limits.inflight_max;
    if (request.origin->protocol != MessageOrigin::Protocol::mqtt || limit >= requests_under_way_max) return true;
    std::size_t& count = inflight_[inflight_key(request)];
    if (count >= limit) return false;
    ++count;
    return true;
}

void Lane::release(const Request& request) {
    surroundings_.requests_under_way.fetch_sub(1, std::memory_order_relaxed);
    surroundings_.bytes_under_way.fetch_sub(request.bytes, std::memory_order_relaxed);
    if (inflight_.empty() || request.origin->protocol != MessageOrigin::Protocol::mqtt) return;
    const auto found = inflight_.find(inflight_key(request));
    if (found != inflight_.end() && --found->second == 0) inflight_.erase(found);
}

void Lane::take(Request request) {
    if (!admit(request)) {
        surroundings_.requests_under_way.fetch_sub(1, std::memory_order_relaxed);
        surroundings_.bytes_under_way.fetch_sub(request.bytes, std::memory_order_relaxed);
        return surroundings_.notices.reject(
            std::move(request),
            Error(Errc::too_many_requests, "Too many requests: more than " + std::to_string(surroundings_.limits.inflight_max) +
                                               " unacknowledged requests for one thing on this connection"));
    }
    std::string key = record_key(request.name);
    auto& slot = entries_[key];
    if (!slot) {
        slot = std::make_unique<Entry>();
        slot->key = std::move(key);
        slot->name = request.name;
    }
    Entry& entry = *slot;
    if (std::exchange(entry.idle, false)) {
        idle_.erase(entry.place);
        remembered_bytes_ -= remembered_bytes(*entry.known);
    }
    entry.waiting.push_back(std::move(request));
    if (entry.committing) {
        work_ahead(entry);
    } else {
        pump(entry);
    }
}

void Lane::pump(Entry& entry) {
    if (entry.busy || entry.waiting.empty()) return;
    entry.busy = true;
    entry.fresh = false;
    entry.attempts = 0;
    while (!entry.waiting.empty() && entry.batch.size() < requests_per_commit_max) {
        entry.batch.push_back(std::move(entry.waiting.front()));
        entry.waiting.pop_front();
    }
    if (entry.known) {
        work(entry);
    } else {
        start_load(entry);
    }
}

void Lane::start_load(Entry& entry) {
    asio::co_spawn(shard_.io(), load(entry), asio::detached);
}

asio::awaitable<void> Lane::load(Entry& entry) {
    auto bytes = co_await surroundings_.engine.get(entry.key);
    loaded(entry, std::move(bytes));
}

void Lane::loaded(Entry& entry, Result<std::optional<std::string>> bytes) {
    if (!bytes) return fail(entry, bytes.error());
    if (!entry.known || entry.known->bytes != *bytes) {
        Stored stored;
        if (*bytes) {
            auto record = decode_record(**bytes);
            if (!record) return fail(entry, record.error());
            stored.record = std::move(*record);
        }
        stored.bytes = std::move(*bytes);
        entry.known = std::move(stored);
    }
    entry.fresh = true;
    work(entry);
}

void Lane::work(Entry& entry) {
    Work work(std::move(*entry.known), surroundings_.limits, seconds_of(surroundings_.clock.now()));
    entry.known.reset();
    entry.outcomes.clear();
    for (Request& request : entry.batch) entry.outcomes.push_back(apply(work, entry, request));
    if (work.changed()) return submit(entry, std::move(work));
    entry.known = std::move(work).unchanged();
    // Answers that rest on no write must rest on what is stored now. A write is judged by its precondition.
    if (entry.fresh) {
        finish(entry);
    } else {
        start_load(entry);
    }
}

Outcome Lane::apply(Work& work, Entry& entry, Request& request) const {
    if (request.operation == Operation::update) request.wanted = wanted(entry);
    return work.apply(request);
}

void Lane::submit(Entry& entry, Work work) {
    const bool deleted = work.deleted();
    Work::Write write = std::move(work).write(entry.name);
    entry.next = std::move(write.result);
    entry.committing = true;
    surroundings_.engine.commit(std::move(write.batch), [this, &entry, deleted](Result<void> result) {
        shard_.post([this, &entry, deleted, result = std::move(result)] { committed(entry, result, deleted); });
    });
    work_ahead(entry);
}

/// So that the shard works while the disk does: one busy shadow would else have them take turns.
void Lane::work_ahead(Entry& entry) {
    while (!entry.waiting.empty() && entry.ahead_batch.size() < requests_per_commit_max) {
        if (!entry.ahead) {
            entry.ahead.emplace(std::move(*entry.next), surroundings_.limits, seconds_of(surroundings_.clock.now()));
            entry.next.reset();
        }
        entry.ahead_batch.push_back(std::move(entry.waiting.front()));
        entry.waiting.pop_front();
        entry.ahead_outcomes.push_back(apply(*entry.ahead, entry, entry.ahead_batch.back()));
    }
}

Wanted Lane::wanted(Entry& entry) const {
    const std::uint64_t now = surroundings_.notices.audience_generation();
    if (now == 0 || now != entry.wanted_since) {
        entry.wanted = surroundings_.notices.wanted(entry.name);
        entry.wanted_since = now;
    }
    return entry.wanted;
}

void Lane::committed(Entry& entry, const Result<void>& result, bool deleted) {
    entry.committing = false;
    if (result) {
        if (deleted) start_sweep();
        if (entry.ahead) return go_on_with_ahead(entry);
        entry.known = std::exchange(entry.next, std::nullopt);
        return finish(entry);
    }
    put_back_ahead(entry);
    entry.next.reset();
    if (result.error().code == kv::Errc::precondition_failed && ++entry.attempts < attempts_max) return start_load(entry);
    fail(entry, result.error());
}

/// The batch is committed; the one ahead takes its place before anybody is told, so that the disk need not wait for that.
void Lane::go_on_with_ahead(Entry& entry) {
    std::vector<Request> batch = std::exchange(entry.batch, std::exchange(entry.ahead_batch, {}));
    std::vector<Outcome> outcomes = std::exchange(entry.outcomes, std::exchange(entry.ahead_outcomes, {}));
    Work ahead = std::move(*entry.ahead);
    entry.ahead.reset();
    entry.fresh = false;
    entry.attempts = 0;
    const bool changed = ahead.changed();
    if (changed) {
        submit(entry, std::move(ahead));
    } else {
        entry.known = std::move(ahead).unchanged();
    }
    tell(std::move(batch), std::move(outcomes));
    if (!changed) start_load(entry);
}

/// What was carried out ahead rests on what was not written.
void Lane::put_back_ahead(Entry& entry) {
    entry.waiting.insert(entry.waiting.begin(), std::make_move_iterator(entry.ahead_batch.begin()),
                         std::make_move_iterator(entry.ahead_batch.end()));
    entry.ahead_batch.clear();
    entry.ahead_outcomes.clear();
    entry.ahead.reset();
}

/// Nothing was written: what was refused stays refused, everything else failed.
void Lane::fail(Entry& entry, const Error& error) {
    entry.known.reset();
    entry.outcomes.resize(entry.batch.size(), Outcome{std::string(), {}, {}});
    for (Outcome& outcome : entry.outcomes) {
        if (outcome.answer) outcome = Outcome{as_shadow_error(error), {}, {}};
    }
    finish(entry);
}

void Lane::finish(Entry& entry) {
    tell(std::exchange(entry.batch, {}), std::exchange(entry.outcomes, {}));
    settle(entry);
}

void Lane::tell(std::vector<Request> batch, std::vector<Outcome> outcomes) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
        // Before it is told, so that a client which hears the answer may ask again.
        release(batch[i]);
        surroundings_.notices.tell(std::move(batch[i]), std::move(outcomes[i]));
    }
}

void Lane::settle(Entry& entry) {
    if (!entry.waiting.empty()) {
        // Not from here: batches would pile up on the stack. It stays busy until then, so nobody forgets it.
        shard_.post([this, &entry] {
            entry.busy = false;
            pump(entry);
        });
        return;
    }
    entry.busy = false;
    if (!entry.known) return forget(entry);
    idle_.push_front(&entry);
    entry.place = idle_.begin();
    entry.idle = true;
    remembered_bytes_ += remembered_bytes(*entry.known);
    while (remembered_bytes_ > remembered_bytes_max) {
        Entry& oldest = *idle_.back();
        remembered_bytes_ -= remembered_bytes(*oldest.known);
        idle_.pop_back();
        forget(oldest);
    }
}

void Lane::forget(Entry& entry) {
    entries_.erase(entries_.find(entry.key));
}

/// Deletions pay for forgetting: each looks for a few shadows that were deleted long ago, so that what is left of them does not add up.
void Lane::start_sweep() {
    if (surroundings_.sweeping.exchange(true)) return;
    asio::co_spawn(shard_.io(), sweep(), asio::detached);
}

asio::awaitable<void> Lane::sweep() {
    const std::int64_t cutoff = seconds_of(surroundings_.clock.now() - deleted_version_kept);
    kv::ScanOptions options;
    options.range = deleted_before(cutoff);
    options.items_max = 16;
    const auto page = co_await surroundings_.engine.scan(std::move(options));
    const std::size_t count = page ? page->items.size() : 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto name = name_in_deleted_key(page->items[i].key);
        if (!name) continue;
        kv::TransactionBody body = [marker = page->items[i].key, key = record_key(*name),
                                    cutoff](kv::Transaction& transaction) -> Result<void> {
            const auto bytes = transaction.get(key);
            if (!bytes) return bytes.error();
            const auto record = *bytes ? decode_record(**bytes) : Result<Record>(Record());
            if (record && *bytes && !record->document && record->tombstone.deleted_at_s < cutoff) transaction.erase(key);
            transaction.erase(marker);
            return {};
        };
        const auto forgotten = co_await surroundings_.engine.transact(std::move(body));
        if (!forgotten) break;  // the next deletion tries again
    }
    surroundings_.sweeping = false;
}

}  // namespace fogbank::shadow::detail
