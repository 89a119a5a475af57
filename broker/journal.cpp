#include "broker/journal.h"

#include <spdlog/spdlog.h>

#include "broker/core.h"
#include "broker/shard_state.h"
#include "common/logging.h"
#include "common/shard.h"

namespace fogbank::broker {

StoredMessage::~StoredMessage() {
    // Off the shards only when the server is being taken down: then the store must stay as it is.
    Shard* here = Shard::current();
    if (number_ == 0 || here == nullptr) return;
    core_.states[here->index()]->journal.erase(records::message_key(number_));
}

Journal::Journal(Core& core, Shard& shard) : core_(core), shard_(shard) {}
Journal::~Journal() = default;

void Journal::needed() {
    if (std::exchange(scheduled_, true)) return;
    core_.states[shard_.index()]->turn_needed();
}

void Journal::put(std::string key, std::string value) {
    if (core_.store == nullptr) return;
    batch_.put(std::move(key), std::move(value));
    needed();
}

void Journal::erase(std::string key) {
    if (core_.store == nullptr) return;
    batch_.erase(std::move(key));
    needed();
}

void Journal::put_entry(std::uint64_t session, std::uint64_t sequence, records::EntryRecord entry, const MessagePtr& message,
                        std::shared_ptr<StoredMessage>& stored) {
    if (core_.store == nullptr) return;
    std::string key = records::entry_key(session, sequence);
    if (stored && stored->number() != 0) {
        entry.message_number = stored->number();
        put(std::move(key), records::encode(entry));
        return;
    }
    const auto known = message ? messages_.find(message.get()) : messages_.end();
    if (stored || !message || known == messages_.end()) {
        // The first entry with this message (or a second write of an entry that has it inside).
        if (message) entry.message = records::encode(*message);
        std::string value = records::encode(entry);
        if (!stored && message) {
            stored = std::make_shared<StoredMessage>(core_, 0);
            alive_.push_back(message);
            entry.message.clear();
            messages_.emplace(message.get(), Written{stored, batch_.writes.size(), key, std::move(entry)});
        }
        put(std::move(key), std::move(value));
        return;
    }
    Written& written = known->second;
    if (written.stored->number() == 0) {
        const std::uint64_t number = core_.next_stored_number.fetch_add(1);
        written.stored->set_number(number);
        written.first.message_number = number;
        batch_.writes[written.first_write].value = records::encode(written.first);
        put(records::message_key(number), records::encode(*message));
    }
    stored = written.stored;
    entry.message_number = stored->number();
    put(std::move(key), records::encode(entry));
}

void Journal::keep(Hold hold) {
    if (core_.store == nullptr || !hold) return;
    waiting_.holds.push_back(std::move(hold));
    needed();
}

void Journal::after_commit(UniqueFunction<void(Result<void>)> task) {
    if (core_.store == nullptr) {
        task(Result<void>());
        return;
    }
    waiting_.tasks.push_back(std::move(task));
    needed();
}

void Journal::complete(Shard& shard, Waiting waiting, Result<void> result) {
    if (!result) {
        logger("broker").error("session state could not be stored reason={}", log_value(result.error().message));
        for (const Hold& hold : waiting.holds) hold.fail(result.error());
    }
    waiting.holds.clear();
    if (waiting.tasks.empty()) return;
    auto run = [tasks = std::move(waiting.tasks), result = std::move(result)]() mutable {
        for (auto& task : tasks) task(result);
    };
    // Also from this very shard, where an engine answers at once: never from within somebody's call.
    shard.post(std::move(run));
}

void Journal::erase_session(const ClientId& client_id, std::uint64_t number) {
    if (core_.store == nullptr) return;
    flush();
    core_.store->transact(
        [key = records::session_key(client_id), number](store::kv::Transaction& transaction) -> Result<void> {
            // The client may have a new session by now.
            auto current = transaction.get(key);
            if (!current) return current.error();
            if (*current) {
                const auto record = records::decode_session(**current);
                if (!record || record->number == number) transaction.erase(key);
            }
            for (const char* kind : {"b", "q", "i"}) transaction.erase_range(records::session_range(kind, number));
            transaction.erase(records::will_key(number));
            return {};
        },
        [](Result<void> result) {
            if (!result) logger("broker").error("a session could not be erased reason={}", log_value(result.error().message));
        });
}

void Journal::flush() {
    scheduled_ = false;
    messages_.clear();
    alive_.clear();
    if (batch_.writes.empty() && waiting_.holds.empty() && waiting_.tasks.empty()) return;
    store::kv::Batch batch = std::exchange(batch_, store::kv::Batch());
    Waiting waiting = std::exchange(waiting_, Waiting());
    core_.store->commit(std::move(batch), [&shard = shard_, waiting = std::move(waiting)](Result<void> result) mutable {
        complete(shard, std::move(waiting), std::move(result));
    });
}

}  // namespace fogbank::broker
