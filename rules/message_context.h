/// What a statement can ask about a message and its surroundings.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/message.h"
#include "common/random.h"
#include "rules/payload.h"

namespace fogbank::rules::sql {

/// The installation's side; the same for all rules. The references must outlive every evaluation.
struct Environment {
    const Clock& clock;
    RandomSource& random;
    std::string account_id;
};

/// One message, shared by all the rules that it feeds, so that it is parsed once. One thread at a time.
class MessageContext {
  public:
    MessageContext() = default;
    explicit MessageContext(MessagePtr message) { reset(std::move(message)); }
    /// Begins with another message and keeps the parser's buffers. Values of the old message must be gone.
    void reset(MessagePtr message);

    const Message& message() const { return *message_; }
    const MessagePtr& shared_message() const { return message_; }
    /// Without the three levels of Basic Ingest (reference "rules", section 3).
    std::string_view topic() const { return topic_; }
    /// Parsed at the first call.
    const Payload& payload();
    /// The same for all rules of the message; made at the first call.
    const std::string& trace_id(RandomSource& random);
    /// Empty if nobody has asked for it yet.
    const std::string& known_trace_id() const { return trace_id_; }

  private:
    MessagePtr message_;
    std::string_view topic_;
    Payload payload_;
    bool parsed_ = false;
    std::string trace_id_;
};

}  // namespace fogbank::rules::sql
