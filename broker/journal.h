/// What a shard wants to be durable, gathered over a turn of its loop and committed as one batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/session_records.h"
#include "common/acknowledgement.h"
#include "common/function.h"
#include "common/message.h"
#include "common/result.h"
#include "store/kv/engine.h"

namespace fogbank {
class Shard;
}

namespace fogbank::broker {

struct Core;

/// A message in the store that entries of several sessions refer to; erased when the last of them lets go. While only one entry of a turn
/// has it, it has no number and lies inside that entry.
class StoredMessage {
  public:
    StoredMessage(Core& core, std::uint64_t number) : core_(core), number_(number) {}
    ~StoredMessage();
    StoredMessage(const StoredMessage&) = delete;
    StoredMessage& operator=(const StoredMessage&) = delete;
    std::uint64_t number() const { return number_; }
    void set_number(std::uint64_t number) { number_ = number; }

  private:
    Core& core_;
    std::uint64_t number_;
};

/// One shard's; its thread only, but for the completions. Without an engine nothing is durable and everything counts as committed.
class Journal {
  public:
    Journal(Core& core, Shard& shard);
    ~Journal();

    void put(std::string key, std::string value);
    void erase(std::string key);
    /// Writes one queue entry; its message goes down once for all entries of this turn that have the same.
    /// @param stored  in: where the message lies already, or null; out: where it lies now.
    void put_entry(std::uint64_t session, std::uint64_t sequence, records::EntryRecord entry, const MessagePtr& message,
                   std::shared_ptr<StoredMessage>& stored);
    /// Kept until everything put so far is committed; failed if that fails.
    void keep(Hold hold);
    /// Called on the shard's thread when everything put so far is committed, or with the reason why it is not.
    void after_commit(UniqueFunction<void(Result<void>)> task);
    /// Erases a session and all that belongs to it.
    void erase_session(const ClientId& client_id, std::uint64_t number);
    /// Hands over what was gathered.
    void flush();

  private:
    struct Waiting {
        std::vector<Hold> holds;
        std::vector<UniqueFunction<void(Result<void>)>> tasks;
    };
    struct Written {
        std::shared_ptr<StoredMessage> stored;
        std::size_t first_write;
        std::string first_key;
        records::EntryRecord first;
    };
    void needed();
    static void complete(Shard& shard, Waiting waiting, Result<void> result);

    Core& core_;
    Shard& shard_;
    store::kv::Batch batch_;
    Waiting waiting_;
    std::unordered_map<const Message*, Written> messages_;  ///< of this batch; kept alive by `alive_`
    std::vector<MessagePtr> alive_;
    bool scheduled_ = false;
};

}  // namespace fogbank::broker
