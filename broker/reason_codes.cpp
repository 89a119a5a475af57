#include "broker/reason_codes.h"

#include <array>

namespace fogbank::broker {
namespace {

using Code = mqtt::ConnectReturnCode;
using Reason = DisconnectReason;
using Mqtt5 = mqtt::Reason;
using enum WireAnswer;

// Where AWS's answer is not documented, the observed one is taken; where neither is known, the one that leaves the client connected if the
// standard allows it. Profile relaxed gives the return code that the standard has, where AWS closes without one.
constexpr std::array<RefusalRow, refusal_cause_count> table = {{
    {RefusalCause::malformed_packet, "malformed_packet", close, close, Code::accepted, Reason::client_error, Mqtt5::malformed_packet,
     "MQTT-4.8.0-1"},
    {RefusalCause::protocol_error, "protocol_error", close, close, Code::accepted, Reason::client_error, Mqtt5::protocol_error,
     "MQTT-3.1.0-1, MQTT-3.1.0-2, MQTT-4.8.0-1"},
    {RefusalCause::packet_too_large, "packet_too_large", close, close, Code::accepted, Reason::client_error, Mqtt5::packet_too_large,
     "broker 7: payload > 128 KB"},
    {RefusalCause::unsupported_protocol_version, "unsupported_protocol_version", connack, connack, Code::unacceptable_protocol_version,
     Reason::client_error, Mqtt5::unsupported_protocol_version, "MQTT-3.1.2-2"},
    {RefusalCause::client_id_not_valid, "client_id_not_valid", connack, connack, Code::identifier_rejected, Reason::client_error,
     Mqtt5::client_identifier_not_valid, "MQTT-3.1.3-8, MQTT-3.1.3-9; broker 19: client ID size"},
    {RefusalCause::connect_not_authorized, "connect_not_authorized", close, connack, Code::not_authorized, Reason::auth_error,
     Mqtt5::not_authorized, "broker 10: observed, aws-iot-device-sdk-js-v2 #101"},
    {RefusalCause::will_not_authorized, "will_not_authorized", close, connack, Code::not_authorized, Reason::auth_error,
     Mqtt5::not_authorized, "broker 10, 13"},
    {RefusalCause::will_qos_not_supported, "will_qos_not_supported", close, close, Code::accepted, Reason::client_error,
     Mqtt5::qos_not_supported, "broker 7: observed, bertmelis/espMqttClient #116"},
    {RefusalCause::server_unavailable, "server_unavailable", connack, connack, Code::server_unavailable, Reason::server_error,
     Mqtt5::server_unavailable, "OASIS MQTT 3.1.1 section 3.2.2.3"},
    {RefusalCause::connect_timeout, "connect_timeout", close, close, Code::accepted, Reason::client_error, Mqtt5::protocol_error,
     "OASIS MQTT 3.1.1 section 3.1.4"},
    {RefusalCause::publish_not_authorized, "publish_not_authorized", close, close, Code::accepted, Reason::auth_error,
     Mqtt5::not_authorized, "MQTT-3.3.5-2; broker 10: observed, aws-iot-device-sdk-python-v2 #260"},
    {RefusalCause::subscribe_not_authorized, "subscribe_not_authorized", close, suback_failure, Code::accepted, Reason::auth_error,
     Mqtt5::not_authorized, "broker 10: observed, aws-iot-device-sdk-js #125; MQTT-3.8.4-5"},
    {RefusalCause::qos_not_supported, "qos_not_supported", close, close, Code::accepted, Reason::client_error, Mqtt5::qos_not_supported,
     "broker 7: observed, aws-iot-device-sdk-embedded-C PR #1941"},
    {RefusalCause::topic_name_invalid, "topic_name_invalid", close, close, Code::accepted, Reason::client_error, Mqtt5::topic_name_invalid,
     "MQTT-3.3.2-2; broker 10"},
    {RefusalCause::topic_filter_invalid, "topic_filter_invalid", close, close, Code::accepted, Reason::client_error,
     Mqtt5::topic_filter_invalid, "MQTT-4.7.1-2; broker 10"},
    {RefusalCause::payload_too_large, "payload_too_large", close, close, Code::accepted, Reason::client_error, Mqtt5::packet_too_large,
     "broker 7: payload > 128 KB"},
    {RefusalCause::too_many_filters, "too_many_filters", close, close, Code::accepted, Reason::client_error, Mqtt5::quota_exceeded,
     "broker 10: fails, form not stated"},
    {RefusalCause::too_many_subscriptions, "too_many_subscriptions", suback_failure, suback_failure, Code::accepted, Reason::throttled,
     Mqtt5::quota_exceeded, "broker 10: rejected, check SUBACK"},
    {RefusalCause::publish_rate_exceeded, "publish_rate_exceeded", discard, discard, Code::accepted, Reason::throttled,
     Mqtt5::quota_exceeded, "broker 19: discarded"},
    {RefusalCause::keep_alive_timeout, "keep_alive_timeout", close, close, Code::accepted, Reason::mqtt_keep_alive_timeout,
     Mqtt5::keep_alive_timeout, "MQTT-3.1.2-24"},
    {RefusalCause::session_taken_over, "session_taken_over", close, close, Code::accepted, Reason::duplicate_clientid,
     Mqtt5::session_taken_over, "MQTT-3.1.4-2"},
    {RefusalCause::server_shutting_down, "server_shutting_down", close, close, Code::accepted, Reason::server_initiated_disconnect,
     Mqtt5::server_shutting_down, "broker 17"},
    {RefusalCause::internal_error, "internal_error", close, close, Code::accepted, Reason::server_error, Mqtt5::unspecified_error,
     "MQTT-4.8.0-2; broker 17"},
    {RefusalCause::topic_alias_invalid, "topic_alias_invalid", close, close, Code::accepted, Reason::client_error,
     Mqtt5::topic_alias_invalid, "MQTT-3.3.2-8; broker 8"},
    {RefusalCause::subscription_identifiers_not_supported, "subscription_identifiers_not_supported", close, close, Code::accepted,
     Reason::client_error, Mqtt5::subscription_identifiers_not_supported, "broker 8, 9"},
    {RefusalCause::authentication_method_not_supported, "authentication_method_not_supported", close, close, Code::accepted,
     Reason::client_error, Mqtt5::bad_authentication_method, "MQTT-4.12.0-1; broker 8: not supported"},
    {RefusalCause::client_packet_size_too_small, "client_packet_size_too_small", close, close, Code::accepted, Reason::client_error,
     Mqtt5::packet_too_large, "broker 8: not allowed to connect"},
    {RefusalCause::property_too_large, "property_too_large", close, close, Code::accepted, Reason::client_error, Mqtt5::quota_exceeded,
     "broker 19: content type, correlation data, user properties"},
    {RefusalCause::connection_quota_exceeded, "connection_quota_exceeded", connack, connack, Code::server_unavailable, Reason::throttled,
     Mqtt5::quota_exceeded, "broker 9, 19"},
    {RefusalCause::retain_quota_exceeded, "retain_quota_exceeded", discard, discard, Code::accepted, Reason::throttled,
     Mqtt5::quota_exceeded, "broker 12, 19: throttled"},
    {RefusalCause::shared_subscription_quota_exceeded, "shared_subscription_quota_exceeded", suback_failure, suback_failure, Code::accepted,
     Reason::throttled, Mqtt5::quota_exceeded, "broker 14, 19"},
}};

}  // namespace

std::span<const RefusalRow> refusal_table() {
    return table;
}

const RefusalRow& refusal_row(RefusalCause cause) {
    return table[static_cast<std::size_t>(cause)];
}

WireAnswer wire_answer(RefusalCause cause, QuotaProfile profile) {
    const RefusalRow& row = refusal_row(cause);
    return profile == QuotaProfile::aws ? row.aws : row.relaxed;
}

mqtt::Reason disconnect_code(DisconnectReason reason) {
    switch (reason) {
        case DisconnectReason::auth_error:
        case DisconnectReason::forbidden_access:
            return Mqtt5::not_authorized;
        case DisconnectReason::client_initiated_disconnect:
            return Mqtt5::success;
        case DisconnectReason::client_error:
            return Mqtt5::protocol_error;
        case DisconnectReason::connection_lost:
        case DisconnectReason::server_error:
            return Mqtt5::unspecified_error;
        case DisconnectReason::duplicate_clientid:
            return Mqtt5::session_taken_over;
        case DisconnectReason::mqtt_keep_alive_timeout:
            return Mqtt5::keep_alive_timeout;
        case DisconnectReason::server_initiated_disconnect:
            return Mqtt5::server_shutting_down;
        case DisconnectReason::api_initiated_disconnect:
            return Mqtt5::administrative_action;
        case DisconnectReason::throttled:
            return Mqtt5::quota_exceeded;
        case DisconnectReason::websocket_ttl_expiration:
        case DisconnectReason::customauth_ttl_expiration:
            return Mqtt5::maximum_connect_time;
    }
    return Mqtt5::unspecified_error;
}

RefusalCause refusal_cause(mqtt::Errc error) {
    switch (error) {
        case mqtt::Errc::malformed:
            return RefusalCause::malformed_packet;
        case mqtt::Errc::too_large:
            return RefusalCause::packet_too_large;
        case mqtt::Errc::unsupported_version:
            return RefusalCause::unsupported_protocol_version;
        case mqtt::Errc::protocol_violation:
            return RefusalCause::protocol_error;
        case mqtt::Errc::topic_alias_invalid:
            return RefusalCause::topic_alias_invalid;
    }
    return RefusalCause::internal_error;
}

}  // namespace fogbank::broker
