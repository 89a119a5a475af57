#include "broker/mqtt/properties.h"

#include "broker/mqtt/detail/decode.h"
#include "broker/mqtt/detail/writer.h"

namespace fogbank::broker::mqtt {
namespace {

using namespace detail;

/// Identifiers (table 2-4).
enum class Id : std::uint8_t {
    payload_format_indicator = 0x01,
    message_expiry_interval = 0x02,
    content_type = 0x03,
    response_topic = 0x08,
    correlation_data = 0x09,
    subscription_identifier = 0x0B,
    session_expiry_interval = 0x11,
    assigned_client_identifier = 0x12,
    server_keep_alive = 0x13,
    authentication_method = 0x15,
    authentication_data = 0x16,
    request_problem_information = 0x17,
    will_delay_interval = 0x18,
    request_response_information = 0x19,
    response_information = 0x1A,
    server_reference = 0x1C,
    reason_string = 0x1F,
    receive_maximum = 0x21,
    topic_alias_maximum = 0x22,
    topic_alias = 0x23,
    maximum_qos = 0x24,
    retain_available = 0x25,
    user_property = 0x26,
    maximum_packet_size = 0x27,
    wildcard_subscription_available = 0x28,
    subscription_identifier_available = 0x29,
    shared_subscription_available = 0x2A,
};
constexpr std::size_t identifier_count = 0x2B;

constexpr unsigned at(PropertyPlace place) {
    return static_cast<unsigned>(place);
}

/// Where a client may send the property; 0: nowhere, only servers do.
unsigned allowed_places(std::uint32_t id) {
    using enum PropertyPlace;
    constexpr unsigned everywhere =
        at(connect) | at(will) | at(publish) | at(ack) | at(subscribe) | at(unsubscribe) | at(disconnect) | at(auth);
    switch (static_cast<Id>(id)) {
        case Id::payload_format_indicator:
        case Id::message_expiry_interval:
        case Id::content_type:
        case Id::response_topic:
        case Id::correlation_data:
            return at(publish) | at(will);
        case Id::subscription_identifier:
            return at(subscribe);
        case Id::session_expiry_interval:
            return at(connect) | at(disconnect);
        case Id::authentication_method:
        case Id::authentication_data:
            return at(connect) | at(auth);
        case Id::request_problem_information:
        case Id::request_response_information:
        case Id::receive_maximum:
        case Id::topic_alias_maximum:
        case Id::maximum_packet_size:
            return at(connect);
        case Id::will_delay_interval:
            return at(will);
        case Id::reason_string:
            return at(ack) | at(disconnect) | at(auth);
        case Id::topic_alias:
            return at(publish);
        case Id::user_property:
            return everywhere;
        default:
            return 0;
    }
}

constexpr std::string_view value_clause = "section 2.2.2.2";

void read_flag(Reader& reader, std::string_view name, std::optional<std::uint8_t>& out) {
    out = reader.byte(name);
    if (*out > 1) reader.fail_with(Errc::protocol_violation, name, "is neither 0 nor 1", value_clause);
}

void read_not_zero(Reader& reader, std::string_view name, std::optional<std::uint16_t>& out) {
    out = reader.number(name);
    if (*out == 0) reader.fail_with(Errc::protocol_violation, name, "must not be 0", value_clause);
}

void read_text(Reader& reader, std::string_view name, std::optional<std::string_view>& out) {
    out = reader.text(name, "MQTT-1.5.4-1");
}

void read_value(Reader& reader, Id id, Properties& out) {
    switch (id) {
        case Id::payload_format_indicator:
            return read_flag(reader, "payload format indicator", out.payload_format_indicator);
        case Id::message_expiry_interval:
            out.message_expiry_interval_s = reader.long_number("message expiry interval");
            return;
        case Id::content_type:
            return read_text(reader, "content type", out.content_type);
        case Id::response_topic:
            return read_text(reader, "response topic", out.response_topic);
        case Id::correlation_data:
            out.correlation_data = reader.binary("correlation data");
            return;
        case Id::subscription_identifier:
            out.subscription_identifiers.push_back(reader.variable("subscription identifier"));
            if (out.subscription_identifiers.back() == 0)
                reader.fail_with(Errc::protocol_violation, "subscription identifier", "must not be 0", "section 3.8.2.1.2");
            return;
        case Id::session_expiry_interval:
            out.session_expiry_interval_s = reader.long_number("session expiry interval");
            return;
        case Id::authentication_method:
            return read_text(reader, "authentication method", out.authentication_method);
        case Id::authentication_data:
            out.authentication_data = reader.binary("authentication data");
            return;
        case Id::request_problem_information:
            return read_flag(reader, "request problem information", out.request_problem_information);
        case Id::request_response_information:
            return read_flag(reader, "request response information", out.request_response_information);
        case Id::will_delay_interval:
            out.will_delay_interval_s = reader.long_number("will delay interval");
            return;
        case Id::reason_string:
            return read_text(reader, "reason string", out.reason_string);
        case Id::receive_maximum:
            return read_not_zero(reader, "receive maximum", out.receive_maximum);
        case Id::topic_alias_maximum:
            out.topic_alias_maximum = reader.number("topic alias maximum");
            return;
        case Id::topic_alias:
            out.topic_alias = reader.number("topic alias");
            if (!reader.failed() && *out.topic_alias == 0)
                reader.fail_with(Errc::topic_alias_invalid, "topic alias", "must not be 0", "MQTT-3.3.2-8");
            return;
        case Id::user_property: {
            const std::string_view name = reader.text("user property's name", "MQTT-1.5.7-1");
            out.user_properties.emplace_back(name, reader.text("user property's value", "MQTT-1.5.7-1"));
            return;
        }
        case Id::maximum_packet_size:
            out.maximum_packet_size = reader.long_number("maximum packet size");
            if (*out.maximum_packet_size == 0)
                reader.fail_with(Errc::protocol_violation, "maximum packet size", "must not be 0", "section 3.1.2.11.4");
            return;
        default:
            return;
    }
}

/// Reads all of `raw`; failures are kept by the reader.
void read_all(Reader& reader, unsigned place, Properties& out) {
    std::uint64_t seen = 0;
    static_assert(identifier_count <= 64);
    while (!reader.failed() && !reader.at_end()) {
        const std::uint32_t id = reader.variable("property identifier");
        if (reader.failed()) return;
        if (id >= identifier_count || (allowed_places(id) & place) == 0) {
            reader.fail("property", "is not known or not allowed in this packet", "MQTT-2.2.2-2");
            return;
        }
        const std::uint64_t bit = std::uint64_t{1} << id;
        if ((seen & bit) != 0 && static_cast<Id>(id) != Id::user_property) {
            reader.fail_with(Errc::protocol_violation, "property", "stands more than once", value_clause);
            return;
        }
        seen |= bit;
        read_value(reader, static_cast<Id>(id), out);
    }
    if (!reader.failed() && out.authentication_data && !out.authentication_method)
        reader.fail_with(Errc::protocol_violation, "authentication data", "without authentication method", "section 3.1.2.11.10");
}

}  // namespace

std::string_view detail::checked_properties(Reader& reader, PropertyPlace place) {
    const std::uint32_t size = reader.variable("properties' length");
    const std::string_view raw = reader.take(size, "properties");
    if (reader.failed() || raw.empty()) return raw;
    Reader inner(reader.packet_name(), raw);
    Properties properties;
    read_all(inner, at(place), properties);
    if (inner.failed()) reader.adopt_failure(inner);
    return reader.failed() ? std::string_view() : raw;
}

Properties read_properties(std::string_view raw) {
    Properties out;
    if (raw.empty()) return out;
    Reader reader("properties", raw);
    read_all(reader, ~0U, out);
    return out;
}

Properties read_sized_properties(std::string_view bytes) {
    Reader reader("properties", bytes);
    const std::uint32_t size = reader.variable("properties' length");
    return read_properties(reader.take(size, "properties"));
}

namespace {

void put(std::string& out, Id id, const std::optional<std::uint8_t>& value) {
    if (!value) return;
    put_byte(out, static_cast<unsigned>(id));
    put_byte(out, *value);
}
void put(std::string& out, Id id, const std::optional<std::uint16_t>& value) {
    if (!value) return;
    put_byte(out, static_cast<unsigned>(id));
    put_number(out, *value);
}
void put(std::string& out, Id id, const std::optional<std::uint32_t>& value) {
    if (!value) return;
    put_byte(out, static_cast<unsigned>(id));
    put_long(out, *value);
}
void put(std::string& out, Id id, const std::optional<std::string_view>& value) {
    if (!value) return;
    put_byte(out, static_cast<unsigned>(id));
    put_text(out, *value);
}

}  // namespace

void encode_properties(std::string& out, const Properties& p) {
    std::string body;
    put(body, Id::payload_format_indicator, p.payload_format_indicator);
    put(body, Id::message_expiry_interval, p.message_expiry_interval_s);
    put(body, Id::content_type, p.content_type);
    put(body, Id::response_topic, p.response_topic);
    put(body, Id::correlation_data, p.correlation_data);
    for (const std::uint32_t identifier : p.subscription_identifiers) {
        put_byte(body, static_cast<unsigned>(Id::subscription_identifier));
        put_variable(body, identifier);
    }
    put(body, Id::session_expiry_interval, p.session_expiry_interval_s);
    put(body, Id::assigned_client_identifier, p.assigned_client_identifier);
    put(body, Id::server_keep_alive, p.server_keep_alive_s);
    put(body, Id::authentication_method, p.authentication_method);
    put(body, Id::authentication_data, p.authentication_data);
    put(body, Id::request_problem_information, p.request_problem_information);
    put(body, Id::will_delay_interval, p.will_delay_interval_s);
    put(body, Id::request_response_information, p.request_response_information);
    put(body, Id::response_information, p.response_information);
    put(body, Id::server_reference, p.server_reference);
    put(body, Id::reason_string, p.reason_string);
    put(body, Id::receive_maximum, p.receive_maximum);
    put(body, Id::topic_alias_maximum, p.topic_alias_maximum);
    put(body, Id::topic_alias, p.topic_alias);
    put(body, Id::maximum_qos, p.maximum_qos);
    put(body, Id::retain_available, p.retain_available);
    for (const auto& [name, value] : p.user_properties) {
        put_byte(body, static_cast<unsigned>(Id::user_property));
        put_text(body, name);
        put_text(body, value);
    }
    put(body, Id::maximum_packet_size, p.maximum_packet_size);
    put(body, Id::wildcard_subscription_available, p.wildcard_subscription_available);
    put(body, Id::subscription_identifier_available, p.subscription_identifier_available);
    put(body, Id::shared_subscription_available, p.shared_subscription_available);
    put_variable(out, body.size());
    out.append(body);
}

std::size_t user_property_bytes(const Properties& properties) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : properties.user_properties) bytes += name.size() + value.size();
    return bytes;
}

std::unique_ptr<MessageProperties> to_message_properties(const Properties& p) {
    if (!p.payload_format_indicator && !p.message_expiry_interval_s && !p.content_type && !p.response_topic && !p.correlation_data &&
        p.user_properties.empty())
        return nullptr;
    auto out = std::make_unique<MessageProperties>();
    out->payload_format_indicator = p.payload_format_indicator;
    out->message_expiry_interval_s = p.message_expiry_interval_s;
    out->content_type = p.content_type.value_or("");
    out->response_topic = p.response_topic.value_or("");
    out->correlation_data = p.correlation_data.value_or("");
    out->user_properties.reserve(p.user_properties.size());
    for (const auto& [name, value] : p.user_properties) out->user_properties.emplace_back(name, value);
    return out;
}

Properties to_properties(const MessageProperties& message, std::optional<std::uint32_t> expiry_s) {
    Properties out;
    out.payload_format_indicator = message.payload_format_indicator;
    out.message_expiry_interval_s = expiry_s;
    if (!message.content_type.empty()) out.content_type = message.content_type;
    if (!message.response_topic.empty()) out.response_topic = message.response_topic;
    if (!message.correlation_data.empty()) out.correlation_data = message.correlation_data;
    out.user_properties.assign(message.user_properties.begin(), message.user_properties.end());
    return out;
}

}  // namespace fogbank::broker::mqtt
