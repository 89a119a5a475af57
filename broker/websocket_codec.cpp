#include "broker/websocket_codec.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fogbank::broker {
namespace {

constexpr unsigned final_bit = 0x80, reserved_bits = 0x70, opcode_bits = 0x0F, mask_bit = 0x80, length_bits = 0x7F;
constexpr unsigned length_16 = 126, length_64 = 127;

/// Unmasks `size` bytes from `from` to `to`, which may overlap if `to` is not behind `from`. @return where in the mask the next byte is.
std::uint8_t unmask(char* to, const char* from, std::size_t size, const std::array<unsigned char, 4>& mask, std::uint8_t mask_at) {
    std::array<unsigned char, 8> turned{};
    for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(mask_at + i) % 4];
    std::uint64_t wide = 0;
    std::memcpy(&wide, turned.data(), sizeof wide);
    std::size_t done = 0;
    for (; done + sizeof wide <= size; done += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, from + done, sizeof word);
        word ^= wide;
        std::memcpy(to + done, &word, sizeof word);
    }
    for (; done < size; ++done) to[done] = static_cast<char>(static_cast<unsigned char>(from[done]) ^ turned[done % 4]);
    return static_cast<std::uint8_t>((mask_at + size) % 4);
}

/// Codes that a peer may send. Source: RFC 6455, section 7.4.
bool is_sendable_close_code(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace

std::size_t encode_websocket_header(char* to, WebSocketOpcode opcode, std::uint64_t payload_bytes) {
    to[0] = static_cast<char>(final_bit | static_cast<unsigned>(opcode));
    if (payload_bytes < length_16) {
        to[1] = static_cast<char>(payload_bytes);
        return 2;
    }
    const std::size_t bytes = payload_bytes <= 0xFFFF ? 2 : 8;
    to[1] = static_cast<char>(bytes == 2 ? length_16 : length_64);
    for (std::size_t i = 0; i < bytes; ++i) to[2 + i] = static_cast<char>(payload_bytes >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

std::string websocket_control_frame(WebSocketOpcode opcode, std::string_view payload) {
    char header[websocket_header_bytes_max];
    std::string out(header, encode_websocket_header(header, opcode, payload.size()));
    return out.append(payload);
}

std::string websocket_close_frame(CloseCode code) {
    const auto value = static_cast<unsigned>(code);
    const char payload[2] = {static_cast<char>(value >> 8), static_cast<char>(value)};
    return websocket_control_frame(WebSocketOpcode::close, std::string_view(payload, 2));
}

std::size_t WebSocketDecoder::decode(char* bytes, std::size_t size) {
    std::size_t out = 0;
    for (std::size_t at = 0; at < size && state_ == State::open;) {
        if (!in_payload_) {
            if (take_header(static_cast<unsigned char>(bytes[at++]))) begin_payload();
            continue;
        }
        const std::size_t chunk = static_cast<std::size_t>(std::min<std::uint64_t>(size - at, payload_left_));
        if (is_control()) {
            const std::size_t before = control_.size();
            control_.resize(before + chunk);
            mask_at_ = unmask(control_.data() + before, bytes + at, chunk, mask_, mask_at_);
        } else {
            mask_at_ = unmask(bytes + out, bytes + at, chunk, mask_, mask_at_);
            out += chunk;
        }
        at += chunk;
        payload_left_ -= chunk;
        if (payload_left_ == 0) end_frame();
    }
    return out;
}

std::size_t WebSocketDecoder::header_size() const {
    if (header_bytes_ < 2) return 2;
    const unsigned length = header_[1] & length_bits;
    return 2U + (length == length_16 ? 2U : length == length_64 ? 8U : 0U) + mask_.size();
}

/// @return whether the header is complete and good. What can be refused early is: the rest may never come.
bool WebSocketDecoder::take_header(unsigned char byte) {
    header_[header_bytes_++] = byte;
    if (header_bytes_ == 1) {
        opcode_ = static_cast<WebSocketOpcode>(byte & opcode_bits);
        final_ = (byte & final_bit) != 0;
        if ((byte & reserved_bits) != 0) return fail(CloseCode::protocol_error, "reserved bits are set: no extension was agreed"), false;
        switch (opcode_) {
            case WebSocketOpcode::continuation:
                if (!in_message_) fail(CloseCode::protocol_error, "a continuation without a first frame");
                break;
            case WebSocketOpcode::binary:
                if (in_message_) fail(CloseCode::protocol_error, "a new message inside a fragmented one");
                break;
            case WebSocketOpcode::text:
                fail(CloseCode::unsupported_data, "a text frame: MQTT needs binary frames (MQTT-6.0.0-1)");
                break;
            case WebSocketOpcode::close:
            case WebSocketOpcode::ping:
            case WebSocketOpcode::pong:
                if (!final_) fail(CloseCode::protocol_error, "a fragmented control frame");
                break;
            default:
                fail(CloseCode::protocol_error, "an unknown kind of frame");
        }
        return false;
    }
    if (header_bytes_ == 2) {
        if ((byte & mask_bit) == 0) return fail(CloseCode::protocol_error, "a frame without a mask"), false;
        if (is_control() && (byte & length_bits) > websocket_control_bytes_max)
            return fail(CloseCode::protocol_error, "a control frame over 125 bytes"), false;
    }
    return header_bytes_ == header_size();
}

void WebSocketDecoder::begin_payload() {
    const unsigned length = header_[1] & length_bits;
    const std::size_t extended = header_bytes_ - 2U - mask_.size();
    payload_left_ = extended == 0 ? length : 0;
    for (std::size_t i = 0; i < extended; ++i) payload_left_ = payload_left_ << 8 | header_[2 + i];
    std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(2 + extended), mask_.size(), mask_.begin());
    header_bytes_ = 0;
    const std::uint64_t least = extended == 0 ? 0 : extended == 2 ? length_16 : 0x10000;
    if (payload_left_ < least) return fail(CloseCode::protocol_error, "a length that is not in its shortest form");
    if (payload_left_ > frame_bytes_max_) return fail(CloseCode::message_too_big, "the frame is too large");
    in_payload_ = true;
    mask_at_ = 0;
    if (payload_left_ == 0) end_frame();
}

void WebSocketDecoder::end_frame() {
    in_payload_ = false;
    switch (opcode_) {
        case WebSocketOpcode::ping:
            pong_ = websocket_control_frame(WebSocketOpcode::pong, control_);
            break;
        case WebSocketOpcode::close:
            take_close();
            break;
        case WebSocketOpcode::pong:
            break;
        default:
            in_message_ = !final_;
    }
    control_.clear();
}

void WebSocketDecoder::take_close() {
    if (control_.size() == 1) return fail(CloseCode::protocol_error, "a close frame with half a code");
    CloseCode answer = CloseCode::normal;
    if (control_.size() >= 2) {
        const unsigned code =
            static_cast<unsigned>(static_cast<unsigned char>(control_[0])) << 8U | static_cast<unsigned char>(control_[1]);
        if (!is_sendable_close_code(code)) return fail(CloseCode::protocol_error, "a close code that may not be sent");
        answer = static_cast<CloseCode>(code);
    }
    close_ = websocket_close_frame(answer);
    state_ = State::closed;
}

void WebSocketDecoder::fail(CloseCode code, std::string_view reason) {
    state_ = State::failed;
    error_ = code;
    reason_ = reason;
}

std::string WebSocketDecoder::take_answers() {
    std::string out = std::exchange(pong_, {});
    out += std::exchange(close_, {});
    return out;
}

}  // namespace fogbank::broker
