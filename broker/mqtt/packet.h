/// MQTT 3.1.1 and MQTT 5 control packets as values, and the codec between them and bytes. Sans-I/O: no sockets, no clock.
/// Source: OASIS MQTT 3.1.1 and MQTT 5, sections 2 and 3. Views point into the buffer that was parsed and live as long as it is unchanged.
/// Members named `properties` are the properties as sent, without their length, checked; mqtt/properties.h reads them. Empty in MQTT 3.1.1.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/mqtt/reason.h"
#include "common/errc.h"
#include "common/message.h"
#include "common/result.h"

namespace fogbank::broker::mqtt {

/// Why bytes are not a packet; each carries the OASIS clause in the error's text.
enum class Errc {
    malformed = 1,        ///< reserved bits, wrong length, bad UTF-8, a forbidden value
    too_large,            ///< the fixed header announces more than the limit
    unsupported_version,  ///< protocol level other than 4 and 5: CONNACK 1
    protocol_violation,   ///< a packet that a client may not send, or out of order; MQTT 5: what it calls a Protocol Error
    topic_alias_invalid,  ///< a topic alias of 0
};
const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

/// Protocol levels as in CONNECT.
enum class Version : std::uint8_t { v3_1_1 = 4, v5 = 5 };

struct Will {
    std::string_view topic_name, payload;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::string_view properties = {};
    friend bool operator==(const Will&, const Will&) = default;
};
struct Connect {
    std::uint8_t protocol_level = 4;
    bool clean_session = true;  ///< MQTT 5: clean start
    std::uint16_t keep_alive_s = 0;
    std::string_view client_id, properties;
    std::optional<Will> will;
    std::optional<std::string_view> user_name, password;
    friend bool operator==(const Connect&, const Connect&) = default;
};
struct Publish {
    std::string_view topic_name, payload;
    Qos qos = Qos::at_most_once;
    bool retain = false, dup = false;
    std::uint16_t packet_id = 0;  ///< 0 at QoS 0
    std::string_view properties = {};
    friend bool operator==(const Publish&, const Publish&) = default;
};
struct Puback {
    std::uint16_t packet_id = 0;
    std::uint8_t reason_code = 0;
    std::string_view properties = {};
    friend bool operator==(const Puback&, const Puback&) = default;
};
struct TopicRequest {
    std::string_view topic_filter;
    std::uint8_t qos = 0;  ///< 0, 1 or 2
    // MQTT 5, section 3.8.3.1.
    bool no_local = false, retain_as_published = false;
    std::uint8_t retain_handling = 0;  ///< 0: send retained, 1: only if the subscription is new, 2: do not send
    friend bool operator==(const TopicRequest&, const TopicRequest&) = default;
};
struct Subscribe {
    std::uint16_t packet_id = 0;
    std::vector<TopicRequest> topics;  ///< at least one
    std::string_view properties = {};
    friend bool operator==(const Subscribe&, const Subscribe&) = default;
};
struct Unsubscribe {
    std::uint16_t packet_id = 0;
    std::vector<std::string_view> topic_filters;  ///< at least one
    std::string_view properties = {};
    friend bool operator==(const Unsubscribe&, const Unsubscribe&) = default;
};
struct Pingreq {
    friend bool operator==(const Pingreq&, const Pingreq&) = default;
};
struct Disconnect {
    std::uint8_t reason_code = 0;
    std::string_view properties = {};
    friend bool operator==(const Disconnect&, const Disconnect&) = default;
};
/// PUBREC, PUBREL or PUBCOMP: QoS 2's packets, which profile aws does not take. `type` is the packet type 5, 6 or 7.
struct Qos2Packet {
    std::uint8_t type = 0;
    std::uint16_t packet_id = 0;
    std::uint8_t reason_code = 0;
    std::string_view properties = {};
    friend bool operator==(const Qos2Packet&, const Qos2Packet&) = default;
};

/// MQTT 5's authentication exchange; no profile has it.
struct Auth {
    std::uint8_t reason_code = 0;
    std::string_view properties = {};
    friend bool operator==(const Auth&, const Auth&) = default;
};

/// What a client may send. Packets that only a server sends are errors (protocol_violation).
using ClientPacket = std::variant<Connect, Publish, Puback, Subscribe, Unsubscribe, Pingreq, Disconnect, Qos2Packet, Auth>;

/// Where the next packet ends.
struct Frame {
    std::size_t bytes = 0;  ///< the whole packet, fixed header included
    std::size_t header_bytes = 0;
};
/// Looks at the fixed header at the front of `bytes`.
/// @return nothing while the header is not complete; otherwise its size, which may exceed `bytes`. Errors: malformed (remaining length of
/// five bytes, type 0 or 15), too_large (the whole packet, header included, is larger than `packet_bytes_max`).
Result<std::optional<Frame>> find_frame(std::string_view bytes, std::size_t packet_bytes_max);

/// Decodes one whole packet as found by `find_frame`. Never reads outside `packet`, allocates only for SUBSCRIBE and UNSUBSCRIBE.
/// Topic names and filters are checked for UTF-8 and NUL here, for wildcards and limits by the caller.
/// @param version  what the connection speaks; CONNECT says it itself.
Result<ClientPacket> decode_client_packet(std::string_view packet, Version version = Version::v3_1_1);
/// The same for a caller that has the packet's frame.
Result<ClientPacket> decode_client_packet(std::string_view packet, const Frame& frame, Version version);
/// The same for a packet that is a PUBLISH by its first byte, without the way through ClientPacket: a server gets little else.
Result<Publish> decode_publish(std::string_view packet, const Frame& frame, Version version);

/// The protocol level that a CONNECT announces, however wrong the rest of it is; 0 if `packet` ends before.
unsigned announced_protocol_level(std::string_view packet);

/// Return codes of CONNACK (section 3.2.2.3).
enum class ConnectReturnCode : std::uint8_t {
    accepted = 0,
    unacceptable_protocol_version = 1,
    identifier_rejected = 2,
    server_unavailable = 3,
    bad_user_name_or_password = 4,
    not_authorized = 5,
};
inline constexpr std::uint8_t suback_failure = 0x80;

// Encoders append to `out`. They trust the caller: text of at most 65,535 bytes, packets of at most 268,435,455, packet ids that fit the
// QoS.
void encode_connack(std::string& out, bool session_present, ConnectReturnCode code);
/// Also MQTT 5's PUBACK with reason code 0 (section 3.4.2.1).
void encode_puback(std::string& out, std::uint16_t packet_id);
/// PUBREC (type 5), PUBREL (6) or PUBCOMP (7); MQTT 5: with reason code 0.
void encode_qos2(std::string& out, std::uint8_t type, std::uint16_t packet_id);
void encode_suback(std::string& out, std::uint16_t packet_id, std::span<const std::uint8_t> return_codes);
void encode_unsuback(std::string& out, std::uint16_t packet_id);
void encode_pingresp(std::string& out);

// The same of MQTT 5. A reason string is sent if it is not empty.
struct Properties;
void encode_connack5(std::string& out, bool session_present, Reason reason, const Properties& properties);
/// PUBACK (type 4), PUBREC (5), PUBREL (6) or PUBCOMP (7).
void encode_ack5(std::string& out, std::uint8_t type, std::uint16_t packet_id, Reason reason, std::string_view reason_string);
void encode_suback5(std::string& out, std::uint16_t packet_id, std::span<const std::uint8_t> reason_codes, std::string_view reason_string);
void encode_unsuback5(std::string& out, std::uint16_t packet_id, std::span<const std::uint8_t> reason_codes);
void encode_disconnect5(std::string& out, Reason reason, std::string_view reason_string);

/// A PUBLISH encoded once for a fan-out: per receiver only the first byte's DUP bit and the packet id differ.
struct EncodedPublish {
    std::string bytes;
    std::size_t packet_id_offset = 0;  ///< 0 at QoS 0: there is none
};
EncodedPublish encode_publish(std::string_view topic_name, std::string_view payload, Qos qos, bool retain);
EncodedPublish encode_publish5(std::string_view topic_name, std::string_view payload, Qos qos, bool retain, const Properties& properties);
/// Appends a PUBLISH of MQTT 3.1.1 for one receiver.
void append_publish(std::string& out, std::string_view topic_name, std::string_view payload, Qos qos, bool retain, std::uint16_t packet_id,
                    bool dup);
/// Appends `publish` to `out` with `packet_id` (ignored at QoS 0) and DUP filled in.
void append_publish(std::string& out, const EncodedPublish& publish, std::uint16_t packet_id, bool dup);

// The client's side, for tests, fuzzing (decode(encode(p)) = p) and the load generator.
void encode_connect(std::string& out, const Connect& connect);
void encode_subscribe(std::string& out, const Subscribe& subscribe, Version version = Version::v3_1_1);
void encode_unsubscribe(std::string& out, const Unsubscribe& unsubscribe, Version version = Version::v3_1_1);
void encode_pingreq(std::string& out);
void encode_disconnect(std::string& out);
void encode_client_packet(std::string& out, const ClientPacket& packet, Version version = Version::v3_1_1);

}  // namespace fogbank::broker::mqtt

FOGBANK_ERROR_CODE_ENUM(fogbank::broker::mqtt::Errc)
