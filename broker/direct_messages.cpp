#include "broker/direct_messages.h"

#include "broker/session.h"

namespace fogbank::broker {
namespace {

/// Nobody waits for an answer to be durable.
class NoHold final : public PublishContext {
  public:
    Hold hold() override { return {}; }
};

void hand_over(const std::shared_ptr<Session>& session, const MessagePtr& message) {
    SubscriptionOptions options;
    options.qos = Qos::at_least_once;
    NoHold context;
    session->deliver(message, options, context);
}

}  // namespace

void DirectMessages::publish_to(const ClientId& client_id, MessagePtr message) {
    std::shared_ptr<Session> session = clients_.find(client_id);
    if (!session) return;
    if (Shard::current() != nullptr) {
        hand_over(session, message);
        return;
    }
    shards_[0].post([session = std::move(session), message = std::move(message)] { hand_over(session, message); });
}

}  // namespace fogbank::broker
