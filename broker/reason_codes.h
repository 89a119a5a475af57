/// The broker's edge between causes and the wire: what a client sees when it is refused or cut off, one row per cause.
/// Source: reference "broker", sections 9, 10, 17 and 20; OASIS MQTT 3.1.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "broker/disconnect_reason.h"
#include "broker/mqtt/packet.h"
#include "common/quotas.h"

namespace fogbank::broker {

/// Values count from 0 without gaps and index the table.
enum class RefusalCause : std::uint8_t {
    malformed_packet,
    protocol_error,  ///< a packet out of order or of a kind that clients do not send
    packet_too_large,
    unsupported_protocol_version,
    client_id_not_valid,
    connect_not_authorized,
    will_not_authorized,
    will_qos_not_supported,
    server_unavailable,  ///< at CONNECT: the principal cannot be looked up now
    connect_timeout,     ///< connected, but no CONNECT in time
    publish_not_authorized,
    subscribe_not_authorized,
    qos_not_supported,  ///< QoS 2 in a PUBLISH or SUBSCRIBE, or one of QoS 2's packets
    topic_name_invalid,
    topic_filter_invalid,
    payload_too_large,
    too_many_filters,        ///< in one SUBSCRIBE
    too_many_subscriptions,  ///< on one connection
    publish_rate_exceeded,
    keep_alive_timeout,
    session_taken_over,
    server_shutting_down,
    internal_error,
    topic_alias_invalid,
    subscription_identifiers_not_supported,
    authentication_method_not_supported,  ///< MQTT 5's enhanced authentication
    client_packet_size_too_small,         ///< the Maximum Packet Size of CONNECT
    property_too_large,                   ///< a quota of MQTT 5's properties
    connection_quota_exceeded,
    retain_quota_exceeded,
    shared_subscription_quota_exceeded,
};
inline constexpr std::size_t refusal_cause_count = 31;

/// What happens in MQTT 3.1.1. In MQTT 5 there is always an answer: CONNACK before a connection is accepted, then PUBACK or SUBACK where
/// the packet has one and the connection may stay, else DISCONNECT.
enum class WireAnswer : std::uint8_t {
    close,           ///< the connection is closed without a word
    connack,         ///< CONNACK with the row's return code, then close (MQTT-3.2.2-5)
    suback_failure,  ///< 0x80 for the topic filters concerned; the connection stays
    discard,         ///< the message is dropped; the connection stays
};

struct RefusalRow {
    RefusalCause cause;
    std::string_view name;                                                ///< snake_case, for logs
    WireAnswer aws, relaxed;                                              ///< by quota profile
    mqtt::ConnectReturnCode connack = mqtt::ConnectReturnCode::accepted;  ///< where an answer is `connack`
    DisconnectReason disconnect_reason = DisconnectReason::client_error;  ///< where the connection ends
    mqtt::Reason mqtt5 = mqtt::Reason::unspecified_error;                 ///< in CONNACK, DISCONNECT, PUBACK, SUBACK: what fits
    std::string_view source;
};
std::span<const RefusalRow> refusal_table();
const RefusalRow& refusal_row(RefusalCause cause);
WireAnswer wire_answer(RefusalCause cause, QuotaProfile profile);

/// The reason code of a DISCONNECT that no refusal explains.
mqtt::Reason disconnect_code(DisconnectReason reason);

/// The cause for what the codec reports.
RefusalCause refusal_cause(mqtt::Errc error);

}  // namespace fogbank::broker
