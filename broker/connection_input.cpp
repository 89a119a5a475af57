// Connection: from readiness to packets.
#include <algorithm>
#include <cstring>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/session.h"
#include "broker/shard_state.h"

namespace fogbank::broker {
namespace {

/// The protocol level of a CONNECT: fixed header, the protocol name with its length, then the level. 0 if `packet` ends before.
unsigned protocol_level(std::string_view packet) {
    const auto byte = [packet](std::size_t at) { return at < packet.size() ? static_cast<unsigned char>(packet[at]) : 0U; };
    std::size_t header = 1;
    while ((byte(header) & 0x80U) != 0) ++header;
    const std::size_t name_bytes = byte(header + 1) << 8 | byte(header + 2);
    return byte(header + 3 + name_bytes);
}

bool begins_connect(std::string_view bytes) {
    constexpr unsigned connect_type = 1;
    return static_cast<unsigned char>(bytes.front()) >> 4 == connect_type;
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
        constexpr unsigned publish_type = 3;
        if (static_cast<unsigned char>(packet[0]) >> 4 == publish_type && !may_publish_now()) break;
        done += packet.size();
        handle_packet(packet);
    }
    return done;
}

bool Connection::may_publish_now() {
    if (!take_token()) {
        waits_ |= wait_pacing;
        home_.pace(*this);
        return false;
    }
    if (!home_.hold_back(*this)) return true;
    waits_ |= wait_mailboxes;
    return false;
}

/// Quota publishes_per_second_per_connection. AWS discards the excess; here it waits, so that no sample is lost (docs/parity.md).
bool Connection::take_token() {
    const std::int64_t per_second = home_.core.limits.publishes_per_second;
    if (per_second == std::numeric_limits<std::int64_t>::max()) return true;
    const auto rate = static_cast<double>(per_second);
    const std::chrono::duration<double> passed = home_.now() - publish_tokens_at_;
    publish_tokens_ = std::min(rate, publish_tokens_ + passed.count() * rate);
    publish_tokens_at_ = home_.now();
    if (publish_tokens_ < 1) return false;
    publish_tokens_ -= 1;
    return true;
}

void Connection::handle_packet(std::string_view bytes) {
    const auto packet = mqtt::decode_client_packet(bytes);
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

/// A CONNECT of MQTT 5 is answered in MQTT 5's form; everything else as the table says.
void Connection::answer_undecodable(std::string_view packet, const Error& error) {
    const auto code = static_cast<mqtt::Errc>(error.code.value());
    constexpr std::string_view mqtt5_refusal("\x20\x03\x00\x84\x00", 5);  // CONNACK, 0x84 unsupported protocol version, no properties
    if (state_ == State::unidentified && code == mqtt::Errc::unsupported_version && protocol_level(packet) == 5) {
        outbox_ += mqtt5_refusal;
        home_.core.metrics.connects_refused.add();
        close(DisconnectReason::client_error, error.message);
        return;
    }
    refuse(refusal_cause(code), error.message);
}

void Connection::handle(const mqtt::Puback& puback) {
    session_->acknowledge(puback.packet_id);
}

void Connection::handle(const mqtt::Pingreq&) {
    mqtt::encode_pingresp(outbox_);
    appended();
}

void Connection::handle(const mqtt::Disconnect&) {
    close(DisconnectReason::client_initiated_disconnect, "the client sent DISCONNECT");
}

void Connection::handle(const mqtt::Qos2Packet&) {
    refuse(RefusalCause::qos_not_supported, "QoS 2's packets");
}

}  // namespace fogbank::broker
