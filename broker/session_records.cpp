#include "broker/session_records.h"

#include "broker/detail/record.h"
#include "broker/mqtt/properties.h"

namespace fogbank::broker::records {

using detail::RecordReader;
using detail::RecordWriter;
using store::kv::KeyBuilder;

KeyBuilder kind_key(std::string_view kind) {
    KeyBuilder key(room);
    key.text(kind);
    return key;
}
std::string session_key(const ClientId& client_id) {
    return std::move(kind_key("s").text(client_id.view())).str();
}
std::string subscription_key(std::uint64_t session, std::string_view topic_filter) {
    return std::move(kind_key("b").number(session).text(topic_filter)).str();
}
std::string entry_key(std::uint64_t session, std::uint64_t sequence) {
    return std::move(kind_key("q").number(session).number(sequence)).str();
}
std::string message_key(std::uint64_t number) {
    return std::move(kind_key("m").number(number)).str();
}
std::string inbound_key(std::uint64_t session, std::uint16_t packet_id) {
    return std::move(kind_key("i").number(session).number(packet_id)).str();
}
std::string will_key(std::uint64_t session) {
    return std::move(kind_key("w").number(session)).str();
}
std::string retained_key(std::string_view topic_name) {
    return std::move(kind_key("r").text(topic_name)).str();
}
std::string retained_payload_key(std::string_view topic_name) {
    return std::move(kind_key("p").text(topic_name)).str();
}
store::kv::Range session_range(std::string_view kind, std::uint64_t session) {
    return kind_key(kind).number(session).prefix_range();
}

namespace {
constexpr std::uint64_t no_time = ~std::uint64_t{0};
}

std::string encode(const SessionRecord& record) {
    RecordWriter out;
    out.number(record.number).byte(static_cast<unsigned>(record.version)).number(record.expiry_s).text(record.session_identifier);
    out.number(record.disconnected_at ? static_cast<std::uint64_t>(record.disconnected_at->time_since_epoch().count()) : no_time);
    return out.take();
}

std::optional<SessionRecord> decode_session(std::string_view bytes) {
    RecordReader in(bytes);
    SessionRecord out;
    out.number = in.number();
    out.version = static_cast<mqtt::Version>(in.byte());
    out.expiry_s = static_cast<std::uint32_t>(in.number());
    out.session_identifier = in.text();
    const std::uint64_t when = in.number();
    if (!in.good()) return std::nullopt;
    if (when != no_time) out.disconnected_at = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(when)));
    return out;
}

std::string encode(const SubscriptionOptions& options) {
    RecordWriter out;
    out.byte(static_cast<unsigned>(options.qos)).byte(options.no_local ? 1U : 0U).byte(options.retain_as_published ? 1U : 0U);
    out.number(options.subscription_identifier);
    return out.take();
}

std::optional<SubscriptionOptions> decode_subscription(std::string_view bytes) {
    RecordReader in(bytes);
    SubscriptionOptions out;
    out.qos = static_cast<Qos>(in.byte());
    out.no_local = in.byte() != 0;
    out.retain_as_published = in.byte() != 0;
    out.subscription_identifier = static_cast<std::uint32_t>(in.number());
    if (!in.good()) return std::nullopt;
    return out;
}

std::string encode(const EntryRecord& record) {
    RecordWriter out;
    out.byte(static_cast<unsigned>(record.qos)).byte(record.retain ? 1U : 0U).byte(record.released ? 1U : 0U);
    out.number(record.packet_id).number(record.subscription_identifier).text(record.group);
    out.number(record.message_number).text(record.message);
    return out.take();
}

std::optional<EntryRecord> decode_entry(std::string_view bytes) {
    RecordReader in(bytes);
    EntryRecord out;
    out.qos = static_cast<Qos>(in.byte());
    out.retain = in.byte() != 0;
    out.released = in.byte() != 0;
    out.packet_id = static_cast<std::uint16_t>(in.number());
    out.subscription_identifier = static_cast<std::uint32_t>(in.number());
    out.group = in.text();
    out.message_number = in.number();
    out.message = in.text();
    if (!in.good()) return std::nullopt;
    return out;
}

std::string encode(const WillRecord& record) {
    RecordWriter out;
    out.number(static_cast<std::uint64_t>(record.due.time_since_epoch().count())).text(record.message);
    return out.take();
}

std::optional<WillRecord> decode_will(std::string_view bytes) {
    RecordReader in(bytes);
    WillRecord out;
    out.due = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(in.number())));
    out.message = in.text();
    if (!in.good()) return std::nullopt;
    return out;
}

std::string encode(const Message& message) {
    RecordWriter out;
    out.byte(static_cast<unsigned>(message.qos())).byte(message.retain() ? 1U : 0U);
    out.text(message.topic_name()).text(message.payload());
    out.number(static_cast<std::uint64_t>(message.received_at().time_since_epoch().count()));
    const MessageOrigin& origin = message.origin();
    out.byte(static_cast<unsigned>(origin.protocol)).text(origin.client_id).text(origin.principal_id).text(origin.source_ip);
    std::string properties;
    if (const MessageProperties* sent = message.properties())
        mqtt::encode_properties(properties, mqtt::to_properties(*sent, sent->message_expiry_interval_s));
    out.text(properties);
    return out.take();
}

MessagePtr decode_message(std::string_view bytes, bool last_will) {
    RecordReader in(bytes);
    Message::Options options;
    options.qos = static_cast<Qos>(in.byte());
    options.retain = in.byte() != 0;
    options.topic_name = in.text();
    options.payload = in.text();
    options.received_at = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(in.number())));
    auto origin = std::make_shared<MessageOrigin>();
    origin->last_will = last_will;
    origin->protocol = static_cast<MessageOrigin::Protocol>(in.byte());
    origin->client_id = in.text();
    origin->principal_id = in.text();
    origin->source_ip = in.text();
    options.origin = std::move(origin);
    const std::string_view properties = in.text();
    if (!in.good()) return nullptr;
    if (!properties.empty()) options.properties = mqtt::to_message_properties(mqtt::read_sized_properties(properties));
    return Message::create(std::move(options));
}

}  // namespace fogbank::broker::records
