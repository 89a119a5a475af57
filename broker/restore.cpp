#include "broker/restore.h"

#include <spdlog/spdlog.h>

#include <map>
#include <unordered_map>

#include "broker/connected_wills.h"
#include "broker/core.h"
#include "broker/session.h"
#include "broker/session_records.h"
#include "broker/shard_state.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace asio = boost::asio;
using store::kv::KeyReader;

namespace {

constexpr std::size_t page_items = 2000;

/// The parts of a key behind room and kind.
KeyReader behind_kind(std::string_view key) {
    KeyReader reader(key);
    reader.text();
    reader.text();
    return reader;
}

struct Shared {
    MessagePtr message;
    std::shared_ptr<StoredMessage> stored;
};

class Restore {
  public:
    explicit Restore(Core& core) : core_(core), now_(core.clock.now()) {}

    asio::awaitable<Result<std::vector<LostWill>>> run() {
        for (const auto& [kind, take] :
             {std::pair{"s", &Restore::take_session}, std::pair{"b", &Restore::take_subscription}, std::pair{"m", &Restore::take_message},
              std::pair{"q", &Restore::take_entry}, std::pair{"i", &Restore::take_inbound}, std::pair{"w", &Restore::take_will},
              std::pair{"c", &Restore::take_connected_will}}) {
            auto done = co_await each(kind, take);
            if (!done) co_return done.error();
        }
        finish();
        co_return std::move(lost_);
    }

  private:
    using Take = void (Restore::*)(const store::kv::KeyValue& item);

    asio::awaitable<Result<void>> each(std::string kind, Take take) {
        store::kv::ScanOptions scan;
        scan.range = records::kind_key(kind).prefix_range();
        scan.items_max = page_items;
        while (true) {
            auto page = co_await core_.store->scan(scan);
            if (!page) co_return page.error();
            for (const auto& item : page->items) (this->*take)(item);
            if (!page->more || page->items.empty()) co_return Result<void>();
            scan.range.begin = page->items.back().key + '\0';
        }
    }

    void take_session(const store::kv::KeyValue& item) {
        const auto client_id = behind_kind(item.key).text();
        const auto record = records::decode_session(item.value);
        if (!client_id || !record) return damaged("session");
        next_number_ = std::max(next_number_, record->number + 1);
        SessionTerms terms;
        terms.version = record->version;
        terms.expiry_s = record->expiry_s;
        ShardState& home = *core_.states[std::hash<std::string>{}(*client_id) % core_.states.size()];
        auto session = std::make_shared<Session>(home, ClientId(*client_id), terms, record->session_identifier, record->number);
        sessions_.emplace(record->number, std::move(session));
        // A session whose client was connected when the server ended begins to expire now.
        disconnected_.emplace(record->number, record->disconnected_at.value_or(now_));
    }

    Session* session(std::optional<std::uint64_t> number) {
        if (!number) return nullptr;
        next_number_ = std::max(next_number_, *number + 1);
        const auto found = sessions_.find(*number);
        return found == sessions_.end() ? nullptr : found->second.get();
    }

    void take_subscription(const store::kv::KeyValue& item) {
        KeyReader key = behind_kind(item.key);
        Session* owner = session(key.number());
        auto topic_filter = key.text();
        const auto options = records::decode_subscription(item.value);
        if (owner == nullptr || !topic_filter || !options) return orphan(item);
        owner->restore_subscription(std::move(*topic_filter), *options);
    }

    void take_message(const store::kv::KeyValue& item) {
        const auto number = behind_kind(item.key).number();
        if (!number) return damaged("message");
        next_message_ = std::max(next_message_, *number + 1);
        messages_.emplace(*number, Shared{records::decode_message(item.value), std::make_shared<StoredMessage>(core_, *number)});
    }

    void take_entry(const store::kv::KeyValue& item) {
        KeyReader key = behind_kind(item.key);
        Session* owner = session(key.number());
        const auto sequence = key.number();
        const auto entry = records::decode_entry(item.value);
        if (owner == nullptr || !sequence || !entry) return orphan(item);
        MessagePtr message;
        std::shared_ptr<StoredMessage> stored;
        if (entry->message_number != 0) {
            const auto found = messages_.find(entry->message_number);
            if (found == messages_.end()) return orphan(item);
            message = found->second.message;
            stored = found->second.stored;
        } else {
            message = records::decode_message(entry->message);
            stored = std::make_shared<StoredMessage>(core_, 0);
        }
        if (!message) return orphan(item);
        std::shared_ptr<SharedGroup> group;
        if (!entry->group.empty()) group = core_.groups.find_or_make(entry->group);
        owner->restore_entry(*sequence, *entry, std::move(message), std::move(stored), std::move(group));
    }

    void take_inbound(const store::kv::KeyValue& item) {
        KeyReader key = behind_kind(item.key);
        Session* owner = session(key.number());
        const auto packet_id = key.number();
        if (owner == nullptr || !packet_id) return orphan(item);
        owner->restore_inbound(static_cast<std::uint16_t>(*packet_id));
    }

    void take_will(const store::kv::KeyValue& item) {
        Session* owner = session(behind_kind(item.key).number());
        const auto record = records::decode_will(item.value);
        MessagePtr message = record ? records::decode_message(record->message, true) : nullptr;
        if (owner == nullptr || !message) return orphan(item);
        const auto left = std::max(record->due - now_, WallTime::duration::zero());
        owner->restore_will(std::move(message), core_.clock.steady() + left);
    }

    /// Its client was connected when the server ended: that was the end of the connection, too (MQTT-3.1.2-8).
    void take_connected_will(const store::kv::KeyValue& item) {
        next_number_ = std::max(next_number_, behind_kind(item.key).number().value_or(0) + 1);
        auto will = records::decode_connected_will(item.value, now_);
        if (!will) return orphan(item);
        if (will->session == 0) {
            lost_.push_back({item.key, std::move(will->message)});
            return;
        }
        repairs_.erase(item.key);
        Session* owner = session(will->session);
        if (owner == nullptr) return;
        records::WillRecord waiting;
        waiting.due = now_ + will->delay;
        waiting.message = records::encode(*will->message);
        repairs_.put(records::will_key(will->session), records::encode(waiting));
        owner->restore_will(std::move(will->message), core_.clock.steady() + will->delay);
    }

    void finish() {
        core_.next_session_number.store(next_number_);
        core_.next_stored_number.store(next_message_);
        // Messages that no entry refers to: their numbers are forgotten here and their keys erased.
        for (auto& [number, shared] : messages_) {
            if (shared.stored.use_count() == 1) repairs_.erase(records::message_key(number));
        }
        for (auto& [number, restored] : sessions_) {
            core_.clients.find_or_add(restored->client_id(), restored);
            ShardState& home = restored->home();
            home.shard.post([restored = restored, since = disconnected_.at(number)] { restored->restore_done(since); });
        }
        if (!sessions_.empty()) logger("broker").info("sessions restored count={}", sessions_.size());
        if (!repairs_.writes.empty()) core_.store->commit(std::move(repairs_), [](const Result<void>&) {});
    }

    void damaged(const char* what) { logger("broker").error("a stored {} cannot be read and is ignored", what); }
    /// Left over from a session that has ended.
    void orphan(const store::kv::KeyValue& item) { repairs_.erase(item.key); }

    Core& core_;
    const WallTime now_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Session>> sessions_;
    std::unordered_map<std::uint64_t, WallTime> disconnected_;
    std::unordered_map<std::uint64_t, Shared> messages_;
    store::kv::Batch repairs_;  ///< what the records come to, now that nobody is connected
    std::vector<LostWill> lost_;
    std::uint64_t next_number_ = 1, next_message_ = 1;
};

}  // namespace

asio::awaitable<Result<std::vector<LostWill>>> restore_sessions(Core& core) {
    if (core.store == nullptr) co_return std::vector<LostWill>();
    Restore restore(core);
    Result<std::vector<LostWill>> lost = co_await restore.run();
    co_return lost;
}

}  // namespace fogbank::broker
