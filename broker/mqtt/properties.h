/// MQTT 5 properties: one struct for all kinds of packets, and the codec between it and bytes.
/// Source: OASIS MQTT 5, section 2.2.2.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/message.h"

namespace fogbank::broker::mqtt {

using UserProperty = std::pair<std::string_view, std::string_view>;

/// What a packet carries; which members may be set depends on the packet (table 2-4), the decoders see to that. Views point into the
/// packet.
struct Properties {
    std::optional<std::uint8_t> payload_format_indicator, request_problem_information, request_response_information, maximum_qos,
        retain_available, wildcard_subscription_available, subscription_identifier_available, shared_subscription_available;
    std::optional<std::uint16_t> server_keep_alive_s, receive_maximum, topic_alias_maximum, topic_alias;
    std::optional<std::uint32_t> message_expiry_interval_s, session_expiry_interval_s, will_delay_interval_s, maximum_packet_size;
    std::optional<std::string_view> content_type, response_topic, correlation_data, assigned_client_identifier, authentication_method,
        authentication_data, response_information, server_reference, reason_string;
    std::vector<std::uint32_t> subscription_identifiers;
    std::vector<UserProperty> user_properties;  ///< in the order sent
    friend bool operator==(const Properties&, const Properties&) = default;
};

/// Reads the properties of a decoded packet: `raw` is a packet's `properties` member, which its decoder has checked. Empty for MQTT 3.1.1.
Properties read_properties(std::string_view raw);

/// The same of bytes that begin with the properties' length, as `encode_properties` writes them.
Properties read_sized_properties(std::string_view bytes);

/// Appends the properties' length and the properties. Members that are not set are not sent.
void encode_properties(std::string& out, const Properties& properties);

/// Names and values of all user properties together.
std::size_t user_property_bytes(const Properties& properties);

/// What travels with a message from its publisher to its subscribers (section 3.3.2.3); null if there is nothing.
std::unique_ptr<MessageProperties> to_message_properties(const Properties& properties);
/// The other way round; views into `message`. @param expiry_s  what is left of the message expiry interval, if it has one.
Properties to_properties(const MessageProperties& message, std::optional<std::uint32_t> expiry_s);

}  // namespace fogbank::broker::mqtt
