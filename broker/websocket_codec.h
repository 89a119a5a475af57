/// WebSocket frames, no I/O: the server's side of MQTT over WebSocket. Source: RFC 6455, section 5; OASIS MQTT 3.1.1 section 6 (binary
/// frames only, packets and frames need not be aligned).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/close_code.h"

namespace fogbank::broker {

enum class WebSocketOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

inline constexpr std::size_t websocket_header_bytes_max = 10;  ///< of an unmasked frame
inline constexpr std::size_t websocket_control_bytes_max = 125;

/// Writes the header of an unmasked, final frame; `to` has room for websocket_header_bytes_max. Returns its size.
std::size_t encode_websocket_header(char* to, WebSocketOpcode opcode, std::uint64_t payload_bytes);
/// A whole control frame. @param payload  at most websocket_control_bytes_max bytes.
std::string websocket_control_frame(WebSocketOpcode opcode, std::string_view payload);
std::string websocket_close_frame(CloseCode code);

/// Takes a client's bytes, split anywhere, and leaves the payload of its binary frames. Holds no payload but that of a control frame.
class WebSocketDecoder {
  public:
    enum class State : std::uint8_t {
        open,
        closed,  ///< the client has sent Close
        failed,  ///< it broke the protocol; `error` and `reason` say how
    };

    /// @param frame_bytes_max  a frame that announces more is refused with message_too_big.
    explicit WebSocketDecoder(std::uint64_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

    /// Consumes `size` bytes at `bytes` and moves the payload in them, unmasked, to the front. What follows a Close or an error is ignored.
    /// @return how many bytes of payload there are now; those before an error count.
    std::size_t decode(char* bytes, std::size_t size);

    State state() const { return state_; }
    CloseCode error() const { return error_; }
    std::string_view reason() const { return reason_; }  ///< static storage
    /// Control frames that are owed to the client: pongs (of several pings at once the last), the answer to its Close. Empties it.
    std::string take_answers();

  private:
    bool take_header(unsigned char byte);
    void begin_payload();
    void end_frame();
    void take_close();
    void fail(CloseCode code, std::string_view reason);
    bool is_control() const { return static_cast<std::uint8_t>(opcode_) >= 8; }
    std::size_t header_size() const;

    const std::uint64_t frame_bytes_max_;
    std::uint64_t payload_left_ = 0;
    std::array<unsigned char, 14> header_{};
    std::array<unsigned char, 4> mask_{};
    std::uint8_t header_bytes_ = 0, mask_at_ = 0;
    WebSocketOpcode opcode_ = WebSocketOpcode::continuation;
    State state_ = State::open;
    CloseCode error_ = CloseCode::normal;
    bool in_payload_ = false, in_message_ = false, final_ = false;
    std::string_view reason_;
    std::string control_, pong_, close_;
};

}  // namespace fogbank::broker
