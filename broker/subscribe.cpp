// Connection: SUBSCRIBE and UNSUBSCRIBE. Source: OASIS MQTT 3.1.1 and MQTT 5, sections 3.8 to 3.11; reference "broker", sections 10, 12 and
// 14.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/reserved_topics.h"
#include "broker/session.h"
#include "broker/shard_state.h"

namespace fogbank::broker {
namespace asio = boost::asio;
namespace {

bool has_wildcard(std::string_view topic_filter) {
    return topic_filter.find_first_of("+#") != std::string_view::npos;
}

}  // namespace

void Connection::handle(const mqtt::Subscribe& subscribe) {
    const mqtt::Properties properties = mqtt::read_properties(subscribe.properties);
    if (const auto refusal = subscribe_refusal(subscribe, properties)) return refuse(refusal->cause, refusal->detail);
    std::vector<std::uint8_t> codes;
    std::vector<std::string_view> granted;
    std::vector<RetainedWanted> retained;
    std::string reason;
    codes.reserve(subscribe.topics.size());
    for (const mqtt::TopicRequest& request : subscribe.topics) {
        if (const auto refusal = filter_refusal(request)) {
            record("subscribe_refused", request.topic_filter, refusal->detail);
            codes.push_back(is_mqtt5() ? static_cast<std::uint8_t>(refusal_row(refusal->cause).mqtt5) : mqtt::suback_failure);
            if (reason.empty()) reason = refusal->detail;
            continue;
        }
        SubscriptionOptions options;
        options.qos = static_cast<Qos>(request.qos);
        options.no_local = request.no_local;
        options.retain_as_published = request.retain_as_published;
        if (!properties.subscription_identifiers.empty()) options.subscription_identifier = properties.subscription_identifiers.front();
        const bool is_new = session_->subscribe(request.topic_filter, options);
        const bool wants_retained = request.retain_handling == 0 || (request.retain_handling == 1 && is_new);
        // Not for shared subscriptions (section 4.8.2).
        if (wants_retained && !parse_shared_filter(request.topic_filter)) retained.push_back({std::string(request.topic_filter), options});
        codes.push_back(request.qos);
        granted.push_back(request.topic_filter);
    }
    if (!granted.empty()) home_.core.lifecycle.subscribed(identity_, granted);
    if (!session_->is_persistent()) return answer_subscribe(subscribe.packet_id, codes, reason, std::move(retained));
    // A client that resumes its session does not subscribe again: what SUBACK promises must outlive the server.
    home_.journal.after_commit([self = shared_from_this(), packet_id = subscribe.packet_id, codes = std::move(codes),
                                reason = std::move(reason), retained = std::move(retained)](const Result<void>& stored) mutable {
        if (self->closed()) return;
        if (!stored) return self->refuse(RefusalCause::internal_error, "a subscription could not be stored: " + stored.error().message);
        self->answer_subscribe(packet_id, codes, reason, std::move(retained));
    });
}

void Connection::answer_subscribe(std::uint16_t packet_id, const std::vector<std::uint8_t>& codes, std::string_view reason,
                                  std::vector<RetainedWanted> retained) {
    if (is_mqtt5()) {
        mqtt::encode_suback5(outbox_, packet_id, codes, reason_string(reason));
    } else {
        mqtt::encode_suback(outbox_, packet_id, codes);
    }
    appended();
    // AWS: only exact topics; a filter with wildcards brings none (reference "broker", section 12).
    const RetainedStore& store = *home_.core.retained;
    const bool wildcards = home_.core.limits.profile == QuotaProfile::relaxed;
    std::erase_if(retained, [&](const RetainedWanted& wanted) {
        return has_wildcard(wanted.topic_filter) ? !wildcards : !store.has(wanted.topic_filter);
    });
    if (retained.empty()) return;
    asio::co_spawn(shard_.io(), send_retained(shared_from_this(), std::move(retained)), asio::detached);
}

asio::awaitable<void> Connection::send_retained(std::shared_ptr<Connection> self, std::vector<RetainedWanted> wanted) {
    RetainedStore& store = *self->home_.core.retained;
    for (const RetainedWanted& each : wanted) {
        std::vector<std::string> topics;
        if (has_wildcard(each.topic_filter)) {
            topics = store.matching(each.topic_filter, false, limits::retained_per_subscription_max);
        } else {
            topics.push_back(each.topic_filter);
        }
        for (const std::string& topic_name : topics) {
            std::string asked = topic_name;
            Result<MessagePtr> found = co_await store.find_retained(std::move(asked));
            if (self->closed()) co_return;
            self->home_.take_time();
            if (!found || !*found) continue;
            Delivery delivery;
            delivery.message = *found;
            delivery.qos = std::min((*found)->qos(), each.options.qos);
            delivery.retain = true;  // MQTT-3.3.1-8
            delivery.subscription_identifier = each.options.subscription_identifier;
            self->session_->receive(std::move(delivery));
            if (self->closed()) co_return;
        }
    }
}

/// What ends the connection; looked at before anything is subscribed. In MQTT 5 that is little: SUBACK has reason codes.
std::optional<Connection::Refusal> Connection::subscribe_refusal(const mqtt::Subscribe& subscribe, const mqtt::Properties& properties) {
    const PacketLimits& limits = home_.core.limits;
    if (subscribe.topics.size() > limits.filters_per_subscribe)
        return Refusal{RefusalCause::too_many_filters, "quota filters_per_subscribe"};
    if (!properties.subscription_identifiers.empty() && limits.profile == QuotaProfile::aws)
        return Refusal{RefusalCause::subscription_identifiers_not_supported, "SUBSCRIBE with a subscription identifier"};
    if (mqtt::user_property_bytes(properties) > limits.user_properties_bytes)
        return Refusal{RefusalCause::property_too_large, "quota user_properties_bytes"};
    const bool denied_closes = !is_mqtt5() && wire_answer(RefusalCause::subscribe_not_authorized, limits.profile) == WireAnswer::close;
    for (const mqtt::TopicRequest& request : subscribe.topics) {
        if (request.qos >= 2 && limits.profile == QuotaProfile::aws)
            return Refusal{RefusalCause::qos_not_supported, "SUBSCRIBE with QoS 2"};
        if (is_mqtt5()) continue;
        const auto shared = parse_shared_filter(request.topic_filter);
        const std::string_view filter = shared ? shared->topic_filter : request.topic_filter;
        if (auto valid = validate_topic_filter(filter, limits.topic); !valid)
            return Refusal{RefusalCause::topic_filter_invalid, valid.error().message};
        if (denied_closes && !access_.allows(IotAction::subscribe, request.topic_filter))
            return Refusal{RefusalCause::subscribe_not_authorized, access_.explain(IotAction::subscribe, request.topic_filter)};
    }
    return std::nullopt;
}

/// What is refused of one filter; the others of the packet are granted.
std::optional<Connection::Refusal> Connection::filter_refusal(const mqtt::TopicRequest& request) {
    const PacketLimits& limits = home_.core.limits;
    const auto shared = parse_shared_filter(request.topic_filter);
    const std::string_view filter = shared ? shared->topic_filter : request.topic_filter;
    if (auto valid = validate_topic_filter(filter, limits.topic); !valid)
        return Refusal{RefusalCause::topic_filter_invalid, valid.error().message};
    if (!is_subscribable(filter) || (!shared && request.topic_filter.starts_with("$share/")))
        return Refusal{RefusalCause::topic_filter_invalid, "clients may not subscribe to `" + std::string(request.topic_filter) + "`"};
    if (!session_->is_subscribed(request.topic_filter)) {
        if (session_->subscription_count() >= limits.subscriptions)
            return Refusal{RefusalCause::too_many_subscriptions, "quota subscriptions_per_connection"};
        if (home_.core.subscriptions.load(std::memory_order_relaxed) >= limits.account_subscriptions)
            return Refusal{RefusalCause::too_many_subscriptions, "quota subscriptions_per_account"};
        if (shared) {
            if (auto refusal = shared_refusal(request.topic_filter)) return refusal;
        }
    }
    if (!home_.core.rates.subscriptions.take(home_.now()))
        return Refusal{RefusalCause::too_many_subscriptions, "quota subscriptions_per_second"};
    if (shared && !home_.core.rates.group_changes.take(request.topic_filter, home_.now()))
        return Refusal{RefusalCause::shared_subscription_quota_exceeded, "quota shared_group_changes_per_second"};
    if (!access_.allows(IotAction::subscribe, request.topic_filter))
        return Refusal{RefusalCause::subscribe_not_authorized, access_.explain(IotAction::subscribe, request.topic_filter)};
    return std::nullopt;
}

std::optional<Connection::Refusal> Connection::shared_refusal(std::string_view topic_filter) {
    const PacketLimits& limits = home_.core.limits;
    const auto parts = parse_shared_filter(topic_filter);
    if (parts->share_name.empty() || parts->share_name.find_first_of("+#") != std::string_view::npos)
        return Refusal{RefusalCause::topic_filter_invalid, "the share name must not be empty nor contain wildcards (MQTT-4.8.2-2)"};
    if (parts->share_name.size() > limits.share_name_bytes) return Refusal{RefusalCause::topic_filter_invalid, "quota share_name_bytes"};
    const auto group = home_.core.groups.find(topic_filter);
    if (!group && home_.core.groups.size() >= limits.shared_groups)
        return Refusal{RefusalCause::shared_subscription_quota_exceeded, "quota shared_groups"};
    if (group && group->size() >= limits.shared_group_members)
        return Refusal{RefusalCause::shared_subscription_quota_exceeded, "quota shared_group_members"};
    return std::nullopt;
}

void Connection::handle(const mqtt::Unsubscribe& unsubscribe) {
    std::vector<std::uint8_t> codes;
    std::vector<std::string_view> gone;
    for (const std::string_view topic_filter : unsubscribe.topic_filters) {
        // Counts, but there is no answer that refuses it.
        if (parse_shared_filter(topic_filter)) static_cast<void>(home_.core.rates.group_changes.take(topic_filter, home_.now()));
        const bool found = session_->unsubscribe(topic_filter);
        if (found) gone.push_back(topic_filter);
        codes.push_back(static_cast<std::uint8_t>(found ? mqtt::Reason::success : mqtt::Reason::no_subscription_existed));
    }
    if (!gone.empty()) home_.core.lifecycle.unsubscribed(identity_, gone);
    if (!session_->is_persistent()) return answer_unsubscribe(unsubscribe.packet_id, codes);
    home_.journal.after_commit(
        [self = shared_from_this(), packet_id = unsubscribe.packet_id, codes = std::move(codes)](const Result<void>& stored) {
            if (self->closed()) return;
            if (!stored) return self->refuse(RefusalCause::internal_error, "an unsubscribe could not be stored: " + stored.error().message);
            self->answer_unsubscribe(packet_id, codes);
        });
}

void Connection::answer_unsubscribe(std::uint16_t packet_id, const std::vector<std::uint8_t>& codes) {
    if (is_mqtt5()) {
        mqtt::encode_unsuback5(outbox_, packet_id, codes);
    } else {
        mqtt::encode_unsuback(outbox_, packet_id);
    }
    appended();
}

}  // namespace fogbank::broker
