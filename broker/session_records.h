/// What sessions and retained messages look like in the key-value engine.
///
///     mqtt s <client id>              one session: SessionRecord
///     mqtt b <session> <filter>       one subscription of it
///     mqtt q <session> <sequence>     one QoS 1 or 2 message on its way to it: EntryRecord
///     mqtt m <number>                 a message that several entries refer to
///     mqtt i <session> <packet id>    a QoS 2 PUBLISH of its client that is not released yet
///     mqtt w <session>                a will that waits for its delay: when it is due, and the message
///     mqtt r <topic>, mqtt p <topic>  a retained message: what ListRetainedMessages shows, and the message
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/mqtt/packet.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/message.h"
#include "common/subscriber.h"
#include "store/kv/key.h"

namespace fogbank::broker::records {

inline constexpr std::string_view room = "mqtt";
/// Beginning of all keys of one kind (`s`, `b`, …).
store::kv::KeyBuilder kind_key(std::string_view kind);
std::string session_key(const ClientId& client_id);
std::string subscription_key(std::uint64_t session, std::string_view topic_filter);
std::string entry_key(std::uint64_t session, std::uint64_t sequence);
std::string message_key(std::uint64_t number);
std::string inbound_key(std::uint64_t session, std::uint16_t packet_id);
std::string will_key(std::uint64_t session);
std::string retained_key(std::string_view topic_name);
std::string retained_payload_key(std::string_view topic_name);
/// All keys of one session under `kind` (`b`, `q`, `i`).
store::kv::Range session_range(std::string_view kind, std::uint64_t session);

struct SessionRecord {
    std::uint64_t number = 0;  ///< names the session in the other keys; never used again
    mqtt::Version version = mqtt::Version::v3_1_1;
    std::uint32_t expiry_s = 0;
    std::string session_identifier;
    std::optional<WallTime> disconnected_at;  ///< nothing: connected when this was written
};
std::string encode(const SessionRecord& record);
std::optional<SessionRecord> decode_session(std::string_view bytes);

std::string encode(const SubscriptionOptions& options);
std::optional<SubscriptionOptions> decode_subscription(std::string_view bytes);

/// One message of a session's queue. `message` is the whole message, or empty if `message_number` says which one.
struct EntryRecord {
    Qos qos = Qos::at_least_once;
    bool retain = false;
    bool released = false;        ///< QoS 2: PUBREC has come, PUBREL is owed
    std::uint16_t packet_id = 0;  ///< 0: not sent yet
    std::uint32_t subscription_identifier = 0;
    std::string group;  ///< `$share/…` filter that chose this session, or empty
    std::uint64_t message_number = 0;
    std::string message;
};
std::string encode(const EntryRecord& record);
std::optional<EntryRecord> decode_entry(std::string_view bytes);

struct WillRecord {
    WallTime due{};
    std::string message;
};
std::string encode(const WillRecord& record);
std::optional<WillRecord> decode_will(std::string_view bytes);

std::string encode(const Message& message);
/// Null if damaged. @param last_will  marks its origin so.
MessagePtr decode_message(std::string_view bytes, bool last_will = false);

}  // namespace fogbank::broker::records
