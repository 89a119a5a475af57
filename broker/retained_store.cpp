#include "broker/retained_store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "broker/detail/record.h"
#include "broker/errc.h"
#include "broker/message_expiry.h"
#include "broker/session_records.h"
#include "common/logging.h"
#include "common/topic.h"

namespace fogbank::broker {
namespace asio = boost::asio;
namespace {

constexpr std::size_t restore_page_items = 1000;
constexpr auto no_limit = std::numeric_limits<std::int64_t>::max();
// AWS throttles with buckets whose size it does not name. A client that sets a topic and clears it again must not be refused.
constexpr double burst_per_topic = 10;

WallTime expiry_of(const Message& message) {
    const MessageProperties* properties = message.properties();
    if (properties == nullptr || !properties->message_expiry_interval_s) return WallTime::max();
    return message.received_at() + std::chrono::seconds(*properties->message_expiry_interval_s);
}

bool take_token(double& tokens, WallTime& at, WallTime now, double rate, double burst) {
    const std::chrono::duration<double> passed = now - at;
    tokens = std::min(burst, tokens + std::max(0.0, passed.count()) * rate);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
}

}  // namespace

RetainedStore::RetainedStore(store::kv::Engine* store, const Clock& clock, const Quotas& quotas)
    : store_(store),
      clock_(clock),
      count_max_(quotas[Quota::retained_messages]),
      per_second_(quotas[Quota::retained_publishes_per_second]),
      per_second_per_topic_(quotas[Quota::retained_publishes_per_second_per_topic]),
      tokens_(static_cast<double>(per_second_)),
      tokens_at_(clock.now()) {}

RetainedStore::~RetainedStore() = default;

asio::awaitable<Result<void>> RetainedStore::restore() {
    if (store_ == nullptr) co_return Result<void>();
    store::kv::ScanOptions scan;
    scan.range = records::kind_key("r").prefix_range();
    scan.items_max = restore_page_items;
    while (true) {
        auto page = co_await store_->scan(scan);
        if (!page) co_return page.error();
        for (const auto& item : page->items) {
            store::kv::KeyReader key(item.key);
            key.text();
            key.text();
            const auto topic_name = key.text();
            detail::RecordReader in(item.value);
            Entry entry;
            entry.payload_bytes = in.number();
            entry.qos = static_cast<Qos>(in.byte());
            entry.last_modified = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(in.number())));
            entry.expires = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(in.number())));
            entry.tokens = burst_per_topic;
            if (topic_name && in.good()) entries_.insert_or_assign(*topic_name, std::move(entry));
        }
        if (!page->more) co_return Result<void>();
        scan.range.begin = page->items.back().key + '\0';
    }
}

bool RetainedStore::is_live(const Entry& entry) const {
    return clock_.now() < entry.expires;
}

Result<void> RetainedStore::admit(std::string_view topic_name, bool deletes) {
    const std::lock_guard lock(mutex_);
    const WallTime now = clock_.now();
    const auto found = entries_.find(topic_name);
    if (per_second_per_topic_ != no_limit && found != entries_.end()) {
        Entry& entry = found->second;
        if (!take_token(entry.tokens, entry.tokens_at, now, static_cast<double>(per_second_per_topic_), burst_per_topic))
            return Error(Errc::throttled, "quota retained_publishes_per_second_per_topic");
    }
    if (per_second_ != no_limit &&
        !take_token(tokens_, tokens_at_, now, static_cast<double>(per_second_), static_cast<double>(per_second_)))
        return Error(Errc::throttled, "quota retained_publishes_per_second");
    if (!deletes && found == entries_.end() && static_cast<std::int64_t>(entries_.size()) >= count_max_) forget_expired();
    if (!deletes && found == entries_.end() && static_cast<std::int64_t>(entries_.size()) >= count_max_)
        return Error(Errc::throttled, "quota retained_messages");
    return {};
}

/// Makes room. With `mutex_` taken.
void RetainedStore::forget_expired() {
    store::kv::Batch batch;
    for (auto next = entries_.begin(); next != entries_.end();) {
        if (is_live(next->second)) {
            ++next;
            continue;
        }
        batch.erase(records::retained_key(next->first));
        batch.erase(records::retained_payload_key(next->first));
        next = entries_.erase(next);
    }
    if (store_ != nullptr && !batch.writes.empty()) store_->commit(std::move(batch), [](const Result<void>&) {});
}

void RetainedStore::keep(const MessagePtr& message, PublishContext& context) {
    const std::string topic_name(message->topic_name());
    const bool deletes = message->payload().empty();
    std::uint64_t generation = 0;
    store::kv::Batch batch;
    Hold hold;
    const std::lock_guard in_order(commit_mutex_);
    {
        const std::lock_guard lock(mutex_);
        generation = next_generation_++;
        if (deletes) {
            if (entries_.erase(topic_name) == 0) return;
            batch.erase(records::retained_key(topic_name));
            batch.erase(records::retained_payload_key(topic_name));
        } else {
            const auto [place, is_new] = entries_.try_emplace(topic_name);
            Entry& entry = place->second;
            if (is_new) {
                entry.tokens = burst_per_topic - 1;
                entry.tokens_at = clock_.now();
            }
            entry.generation = generation;
            entry.payload_bytes = message->payload().size();
            entry.qos = message->qos();
            entry.last_modified = clock_.now();
            entry.expires = expiry_of(*message);
            entry.message = message;
            detail::RecordWriter meta;
            meta.number(entry.payload_bytes).byte(static_cast<unsigned>(entry.qos));
            meta.number(static_cast<std::uint64_t>(entry.last_modified.time_since_epoch().count()));
            meta.number(static_cast<std::uint64_t>(entry.expires.time_since_epoch().count()));
            batch.put(records::retained_key(topic_name), meta.take());
            batch.put(records::retained_payload_key(topic_name), records::encode(*message));
        }
        if (store_ == nullptr) return;
        hold = context.hold();
    }
    // Outside of `mutex_`: an engine may answer at once.
    store_->commit(std::move(batch), [this, topic_name, generation, hold = std::move(hold)](Result<void> result) {
        if (!result) {
            logger("broker").error("a retained message could not be stored topic={} reason={}", log_value(topic_name),
                                   log_value(result.error().message));
            hold.fail(result.error());
            return;
        }
        committed(topic_name, generation);
    });
}

/// From now on the payload is read from the store.
void RetainedStore::committed(const std::string& topic_name, std::uint64_t generation) {
    MessagePtr released;  // destroyed after the lock
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(topic_name);
    if (found != entries_.end() && found->second.generation == generation) released.swap(found->second.message);
}

bool RetainedStore::has(std::string_view topic_name) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(topic_name);
    return found != entries_.end() && is_live(found->second);
}

std::vector<std::string> RetainedStore::matching(std::string_view topic_filter, bool parent_matches_hash, std::size_t count_max) const {
    std::vector<std::string> out;
    // Only topics that begin with what stands before the first wildcard can match; `a/#` may match `a` itself.
    std::string_view prefix = topic_filter.substr(0, topic_filter.find_first_of("+#"));
    if (prefix.ends_with('/')) prefix.remove_suffix(1);
    const std::lock_guard lock(mutex_);
    for (auto next = entries_.lower_bound(prefix); next != entries_.end() && out.size() < count_max; ++next) {
        if (!std::string_view(next->first).starts_with(prefix)) break;
        if (is_live(next->second) && topic_matches(topic_filter, next->first, parent_matches_hash)) out.push_back(next->first);
    }
    return out;
}

asio::awaitable<Result<MessagePtr>> RetainedStore::find_retained(std::string topic_name) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(topic_name);
        if (found == entries_.end() || !is_live(found->second)) co_return MessagePtr();
        if (found->second.message) co_return found->second.message;
    }
    if (store_ == nullptr) co_return MessagePtr();
    std::string key = records::retained_payload_key(topic_name);
    auto stored = co_await store_->get(std::move(key));
    if (!stored) co_return stored.error();
    if (!*stored) co_return MessagePtr();
    co_return records::decode_message(**stored);
}

RetainedPage RetainedStore::list_retained(const std::string& after, std::size_t items_max) const {
    RetainedPage page;
    const std::lock_guard lock(mutex_);
    for (auto next = after.empty() ? entries_.begin() : entries_.upper_bound(after); next != entries_.end(); ++next) {
        if (!is_live(next->second)) continue;
        if (page.topics.size() == items_max) {
            page.more = true;
            break;
        }
        page.topics.push_back({next->first, next->second.payload_bytes, next->second.qos, next->second.last_modified});
    }
    return page;
}

}  // namespace fogbank::broker
