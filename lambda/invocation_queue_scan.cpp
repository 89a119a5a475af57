// Reading the store for queued events that are not in memory: those of an earlier run of the server, and those the window had no room for.
//
// A pass reads the keys in order. Events that are known are skipped. When a function's half of the window is full the pass jumps to the
// next function and remembers where to resume; when the whole window is full it pauses at its cursor and goes on when half of it is free.
// The store holds nothing unknown any more when a pass from the first key to the last, without a jump, left nothing and nothing was spilled
// meanwhile.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/logging.h"
#include "lambda/invocation_queue.h"

namespace fogbank::lambda {
namespace {

constexpr std::size_t scan_items_max = 500;
constexpr std::size_t scan_bytes_max = 4 << 20;
constexpr std::chrono::milliseconds store_pause{1000};

}  // namespace

void InvocationQueue::refill_if_needed() {
    {
        const std::lock_guard lock(mutex_);
        if (!started_ || stopped_ || !spilled_) return;
        if (scan_.running) scan_.wanted = true;
        if (scan_.running || !window_.has_room()) return;
        scan_.running = true;
        scan_.wanted = scan_.failed = false;
        window_.begin_scan();
        if (scan_.cursor.empty()) begin_pass();
        ++outstanding_;
    }
    boost::asio::co_spawn(dependencies_.io, refill(), boost::asio::detached);
}

boost::asio::awaitable<void> InvocationQueue::refill() {
    while (auto options = next_scan()) {
        const auto page = co_await dependencies_.engine.scan(std::move(*options));
        absorb(page);
        dispatch();
    }
    leave();
}

void InvocationQueue::begin_pass() {
    scan_.cursor = queue_keys().begin;
    scan_.skipped = scan_.loaded = scan_.left = false;
    scan_.generation = spills_;
}

std::optional<store::kv::ScanOptions> InvocationQueue::next_scan() {
    const std::lock_guard lock(mutex_);
    const bool room = scan_.counting || window_.has_room();
    if (stopped_ || scan_.failed || !room || (scan_.cursor.empty() && !pass_again())) {
        scan_.running = false;
        window_.end_scan();
        return std::nullopt;
    }
    store::kv::ScanOptions options;
    options.range = {scan_.cursor, queue_keys().end};
    options.items_max = scan_items_max;
    options.bytes_max = scan_bytes_max;
    return options;
}

/// After a pass has reached the last key: whether another one is needed now.
bool InvocationQueue::pass_again() {
    const bool overtaken = scan_.generation != spills_ || scan_.skipped;
    scan_.counting = false;
    if (!scan_.left && !overtaken) {
        spilled_ = false;
        return false;
    }
    // A pass that found room for nothing waits until something has finished.
    const bool futile = scan_.left && !scan_.loaded && !scan_.wanted;
    scan_.wanted = false;
    begin_pass();
    return !futile;
}

void InvocationQueue::absorb(const Result<store::kv::Page>& page) {
    {
        const std::lock_guard lock(mutex_);
        if (page) {
            const bool all = std::all_of(page->items.begin(), page->items.end(), [this](const auto& item) { return absorb_item(item); });
            if (all && !page->more) scan_.cursor.clear();
            return;
        }
        scan_.failed = true;
    }
    logger("lambda").error("queued events cannot be read, trying again reason={}", log_value(page.error().message));
    dependencies_.timers.after(store_pause, [this] { refill_if_needed(); });
}

/// False if the rest of the page is not wanted: the pass pauses, or jumps to another key.
bool InvocationQueue::absorb_item(const store::kv::KeyValue& item) {
    scan_.cursor = item.key + '\0';
    auto key = QueueKey::decode(item.key);
    auto value = QueueValue::decode(item.value);
    if (!key || !value) {
        logger("lambda").error("a queued event cannot be read and is left alone bytes={}", item.value.size());
        return true;
    }
    const auto lane = window_.lane(key->function);
    if (item.key < lane->resume && !scan_.counting) {
        scan_.cursor = std::exchange(lane->resume, {});
        scan_.skipped = true;
        return false;
    }
    return window_.is_known(item.key) || load(item.key, *key, lane, std::move(*value));
}

bool InvocationQueue::load(const std::string& store_key, const QueueKey& key, const std::shared_ptr<QueueLane>& lane, QueueValue value) {
    const bool own = (key.number & run_mask) == run_;
    const auto entry = std::make_shared<QueueEntry>();
    entry->key = store_key;
    entry->lane = lane;
    entry->request_id = std::move(value.request_id);
    entry->qualifier = std::move(value.qualifier);
    entry->accepted_ms = key.accepted_ms;
    entry->event = std::make_shared<const std::string>(std::move(value.event));
    entry->attempts = value.attempts;
    if (scan_.counting && !own) window_.count(*entry);
    if (!window_.reserve(entry)) return pause_lane(*lane, store_key);
    scan_.loaded = true;
    const auto wait = std::min<std::chrono::milliseconds>(value.not_before - dependencies_.clock.now(), policy_.retry_delays.back());
    if (wait > std::chrono::milliseconds(0)) {
        retry_later(entry, wait);
    } else {
        window_.push_ready(entry);
    }
    return true;
}

/// There is no room for this key: the pass goes on with the next function or, when the whole window is full, pauses here.
bool InvocationQueue::pause_lane(QueueLane& lane, const std::string& store_key) {
    scan_.left = true;
    if (lane.resume.empty() || store_key < lane.resume) lane.resume = store_key;
    if (scan_.counting) return true;
    scan_.cursor = window_.is_full() ? store_key : queue_keys(lane.function).end;
    return false;
}

}  // namespace fogbank::lambda
