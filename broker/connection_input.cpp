// Connection: from readiness to packets.
#include <algorithm>
#include <cstring>
#include <limits>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/session.h"
#include "broker/shard_state.h"

namespace fogbank::broker {
namespace {

unsigned packet_type(std::string_view bytes) {
    return static_cast<unsigned char>(bytes.front()) >> 4;
}

bool begins_connect(std::string_view bytes) {
    constexpr unsigned connect_type = 1;
    return packet_type(bytes) == connect_type;
}

bool is_publish(std::string_view bytes) {
    constexpr unsigned publish_type = 3;
    return packet_type(bytes) == publish_type;
}

}  // namespace

void Connection::continue_reading() {
    read_scheduled_ = false;
    if (!closed()) read();
}

void Connection::read() {
    for (int i = 0; i < limits::reads_per_turn; ++i) {
        if (!handle_input() || !readable_ || !read_once()) return;
    }
    if (waits_ != 0 || closed() || read_scheduled_) return;
    read_scheduled_ = true;  // the others' turn
    home_.read_later(*this);
}

/// @return whether reading may go on.
bool Connection::handle_input() {
    if (waits_ != 0) return false;
    if (input_done_ < input_.size()) input_done_ += handle_packets(std::string_view(input_).substr(input_done_));
    if (input_done_ == input_.size()) {
        input_.clear();
        input_done_ = 0;
    }
    return waits_ == 0 && !closed();
}

bool Connection::read_once() {
    const std::size_t kept = input_.size() - input_done_;
    return kept > limits::partial_moved_bytes_max ? read_to_input(kept) : read_to_scratch(kept);
}

/// For a large packet: its missing bytes go where its first ones are. Grows by what has come, not by what the header announces.
bool Connection::read_to_input(std::size_t kept) {
    input_.erase(0, std::exchange(input_done_, 0));
    const auto frame = mqtt::find_frame(input_, home_.core.limits.packet_bytes);
    if (!frame || !*frame) {
        refuse(RefusalCause::internal_error, "an incomplete packet lost its header");
        return false;
    }
    const std::size_t missing = (*frame)->bytes - kept;
    const std::size_t asked = std::min(missing, std::max(kept, home_.scratch.size()));
    input_.resize(kept + asked);
    const IoResult result = stream_->read(input_.data() + kept, asked);
    input_.resize(kept + result.bytes);
    return note_read(result);
}

bool Connection::read_to_scratch(std::size_t kept) {
    std::vector<char>& scratch = home_.scratch;
    if (kept != 0) std::memcpy(scratch.data(), input_.data() + input_done_, kept);
    const std::size_t asked = scratch.size() - kept;
    const IoResult result = stream_->read(scratch.data() + kept, asked);
    if (!note_read(result)) return false;
    input_.clear();
    input_done_ = 0;
    const std::string_view bytes(scratch.data(), kept + result.bytes);
    const std::size_t handled = handle_packets(bytes);
    if (handled < bytes.size() && !closed()) {
        input_.assign(bytes.substr(handled));
        if (!shrink_scheduled_) {
            shrink_scheduled_ = true;
            home_.shrink_later(*this);
        }
    }
    return waits_ == 0 && !closed();
}

bool Connection::note_read(const IoResult& result) {
    switch (result.status) {
        case IoResult::Status::done:
            home_.counts.bytes_in += result.bytes;
            if (result.drained && !hung_up_) readable_ = false;
            return true;
        case IoResult::Status::would_block:
            readable_ = false;
            return false;
        case IoResult::Status::closed:
            if (stream_->ended_in_order()) {
                close(DisconnectReason::client_initiated_disconnect, "the client closed the WebSocket");
                return false;
            }
            close(DisconnectReason::connection_lost, "the client closed the connection without DISCONNECT");
            return false;
        case IoResult::Status::failed:
            close(DisconnectReason::connection_lost, "connection lost: " + stream_->failure());
            return false;
        case IoResult::Status::violated:
            refuse(RefusalCause::protocol_error, stream_->failure());
            return false;
    }
    return false;
}

/// @return how many bytes were handled; the rest is an incomplete packet, or has to wait.
std::size_t Connection::handle_packets(std::string_view bytes) {
    std::size_t done = 0;
    while (waits_ == 0 && !closed()) {
        const std::string_view rest = bytes.substr(done);
        if (state_ == State::unidentified && !rest.empty() && !begins_connect(rest)) {
            // Said now, not when the packet is complete: what speaks another protocol may never send the length it seems to announce.
            refuse(RefusalCause::protocol_error, "the first packet is not CONNECT (MQTT-3.1.0-1)");
            break;
        }
        const auto frame = mqtt::find_frame(rest, home_.core.limits.packet_bytes);
        if (!frame) {
            refuse(refusal_cause(static_cast<mqtt::Errc>(frame.error().code.value())), frame.error().message);
            break;
        }
        if (!*frame || (*frame)->bytes > rest.size()) break;
        const std::string_view packet = rest.substr(0, (*frame)->bytes);
        if (is_publish(packet) && !may_publish_now(packet.size())) break;
        done += packet.size();
        handle_packet(packet, **frame);
    }
    return done;
}

bool Connection::may_publish_now(std::size_t packet_bytes) {
    if (!take_token(packet_bytes)) {
        waits_ |= wait_pacing;
        home_.pace(*this);
        return false;
    }
    if (!home_.hold_back(*this)) return true;
    waits_ |= wait_mailboxes;
    return false;
}

/// Quotas publishes_per_second_per_connection, received_bytes_per_second_per_connection and publishes_per_second. AWS discards the excess
/// of the first; here it waits, so that no sample is lost (docs/parity.md).
bool Connection::take_token(std::size_t packet_bytes) {
    const std::int64_t per_second = home_.core.limits.publishes_per_second;
    const std::int64_t bytes_per_second = home_.core.limits.bytes_per_second;
    constexpr auto unlimited = std::numeric_limits<std::int64_t>::max();
    if (per_second == unlimited && bytes_per_second == unlimited) return home_.core.rates.publishes.take(home_.now());
    const std::chrono::duration<double> passed = home_.now() - publish_tokens_at_;
    publish_tokens_at_ = home_.now();
    const auto refill = [&passed](double& tokens, std::int64_t rate) {
        const auto most = static_cast<double>(rate);
        tokens = std::min(most, tokens + passed.count() * most);
    };
    refill(publish_tokens_, per_second);
    refill(byte_tokens_, bytes_per_second);
    // A packet may be larger than what comes in a second: it goes when nothing is owed, and then much is.
    if (publish_tokens_ < 1 || byte_tokens_ < 0 || !home_.core.rates.publishes.take(home_.now())) return false;
    publish_tokens_ -= 1;
    byte_tokens_ -= static_cast<double>(packet_bytes);
    return true;
}

void Connection::handle_packet(std::string_view bytes, const mqtt::Frame& frame) {
    if (state_ == State::connected && is_publish(bytes)) {
        const auto publish = mqtt::decode_publish(bytes, frame, version());
        if (!publish) return answer_undecodable(bytes, publish.error());
        deadline_ = home_.now() + silence_max_;
        return handle(*publish);
    }
    const auto packet = mqtt::decode_client_packet(bytes, frame, version());
    if (!packet) {
        answer_undecodable(bytes, packet.error());
        return;
    }
    if (state_ != State::connected) {
        handle(std::get<mqtt::Connect>(*packet));  // handle_packets has let nothing else through
        return;
    }
    deadline_ = home_.now() + silence_max_;
    std::visit([this](const auto& known) { handle(known); }, *packet);
}

/// What announces itself as MQTT 5 is answered in MQTT 5's form.
void Connection::answer_undecodable(std::string_view packet, const Error& error) {
    const auto code = static_cast<mqtt::Errc>(error.code.value());
    if (state_ == State::unidentified && mqtt::announced_protocol_level(packet) == 5) mqtt5_ = std::make_unique<Mqtt5>();
    refuse(refusal_cause(code), error.message);
}

void Connection::handle(const mqtt::Puback& puback) {
    session_->acknowledge(puback.packet_id);
}

void Connection::handle(const mqtt::Pingreq&) {
    mqtt::encode_pingresp(outbox_);
    appended();
}

void Connection::handle(const mqtt::Disconnect& disconnect) {
    if (is_mqtt5()) {
        const auto expiry = mqtt::read_properties(disconnect.properties).session_expiry_interval_s;
        if (expiry && *expiry != 0 && !terms_.persistent()) {
            // MQTT-3.14.2-2, section 3.14.2.2.2.
            return refuse(RefusalCause::protocol_error, "DISCONNECT with a session expiry interval after CONNECT without one");
        }
        if (expiry) terms_.expiry_s = static_cast<std::uint32_t>(std::min<std::int64_t>(*expiry, home_.core.limits.session_expiry_s_max));
        // The client says why; with code 4 and with errors it wants its will published (MQTT-3.14.4-3).
        if (disconnect.reason_code != 0) begin_will();
    }
    close(DisconnectReason::client_initiated_disconnect, "the client sent DISCONNECT");
}

void Connection::handle(const mqtt::Qos2Packet& packet) {
    if (home_.core.limits.profile == QuotaProfile::aws) return refuse(RefusalCause::qos_not_supported, "QoS 2's packets");
    constexpr std::uint8_t pubrec = 5, pubrel = 6, pubcomp = 7;
    const bool failed = packet.reason_code >= 0x80;
    switch (packet.type) {
        case pubrec:
            if (session_->received(packet.packet_id, failed)) {
                if (!failed) send_pubrel(packet.packet_id);
            } else if (!is_mqtt5() || !failed) {
                // Of an exchange that is forgotten here: the client must be able to end it.
                if (is_mqtt5()) {
                    mqtt::encode_ack5(outbox_, pubrel, packet.packet_id, mqtt::Reason::packet_identifier_not_found, {});
                } else {
                    mqtt::encode_qos2(outbox_, pubrel, packet.packet_id);
                }
                appended();
            }
            return;
        case pubrel: {
            const bool known = session_->end_inbound(packet.packet_id);
            if (!known && is_mqtt5()) {
                mqtt::encode_ack5(outbox_, pubcomp, packet.packet_id, mqtt::Reason::packet_identifier_not_found, {});
            } else {
                mqtt::encode_qos2(outbox_, pubcomp, packet.packet_id);
            }
            return appended();
        }
        default:
            session_->acknowledge(packet.packet_id);
    }
}

void Connection::handle(const mqtt::Auth&) {
    // No authentication method was agreed on (MQTT-4.12.0-1), and AWS does not know the packet.
    refuse(RefusalCause::protocol_error, "AUTH without an authentication method in CONNECT");
}

}  // namespace fogbank::broker
