/// Requests carried out on what is known of a shadow, before anything is committed. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/acknowledgement.h"
#include "common/function.h"
#include "common/message.h"
#include "shadow/record.h"
#include "shadow/shadow_name.h"
#include "shadow/shadow_service.h"
#include "store/kv/engine.h"

namespace fogbank::shadow::detail {

/// Which notices of an accepted update are worth writing.
struct Wanted {
    bool accepted = true, delta = true, documents = true;
};

/// One request on its way.
struct Request {
    ShadowName name;
    Operation operation = Operation::get;
    Update update;  ///< of an update
    ClientToken token;
    std::shared_ptr<const MessageOrigin> origin;
    std::size_t bytes = 0;  ///< of the payload as sent
    Hold hold;              ///< of the publish, over MQTT
    Wanted wanted;
    UniqueFunction<void(Answer)> done;  ///< over HTTP and from inside; empty over MQTT
    bool over_mqtt() const { return !done; }
};

/// What a shadow's record says, and its bytes, on which the next write rests.
struct Stored {
    std::optional<std::string> bytes;  ///< nothing: no record
    Record record;
};

/// What one request comes to. Nothing of it may be told before the commit.
struct Outcome {
    Result<std::string> answer;
    std::optional<std::string> delta, documents;
};

class Work {
  public:
    Work(Stored base, const Limits& limits, std::int64_t now_s)
        : base_bytes_(std::move(base.bytes)),
          had_document_(base.record.document.has_value()),
          base_tombstone_(base.record.tombstone),
          limits_(limits),
          now_s_(now_s),
          record_(std::move(base.record)) {}

    Outcome apply(Request& request);
    bool changed() const { return changed_; }
    bool deleted() const { return changed_ && !record_.document; }
    /// What there was, if nothing changed.
    Stored unchanged() &&;
    struct Write {
        store::kv::Batch batch;  ///< on condition that the record is still what it was
        Stored result;           ///< what is stored when the batch has been committed
    };
    Write write(const ShadowName& name) &&;

  private:
    Outcome get(const Request& request) const;
    Outcome update(Request& request);
    Outcome remove(const Request& request);
    Error missing(const Request& request) const;
    bool tombstone_counts() const;
    bool fits(const Value& state);
    std::string encoded() const;

    std::optional<std::string> base_bytes_;
    bool had_document_;
    Tombstone base_tombstone_;
    const Limits& limits_;
    std::int64_t now_s_;
    Record record_;
    std::optional<std::size_t> bytes_at_most_;  ///< of the record's document as JSON; nothing: not known
    std::optional<std::string> text_;           ///< document_json of the record, if it was made already
    bool changed_ = false;
};

}  // namespace fogbank::shadow::detail
