/// A WebSocket for the test client, over plain TCP or TLS: masks what it sends, takes apart what it gets.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/websocket_codec.h"
#include "tests/broker/mqtt_client.h"

namespace fogbank::broker::testing {

/// A client's frame: masked.
inline std::string client_frame(WebSocketOpcode opcode, std::string_view payload, bool final = true) {
    static constexpr char mask[4] = {'\x11', '\x22', '\x33', '\x44'};
    char header[websocket_header_bytes_max];
    std::string out(header, encode_websocket_header(header, opcode, payload.size()));
    if (!final) out[0] = static_cast<char>(out[0] & 0x7F);
    out[1] = static_cast<char>(static_cast<unsigned char>(out[1]) | 0x80U);
    out.append(mask, sizeof mask);
    for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
    return out;
}

inline std::string upgrade_request(std::string_view target = "/mqtt", std::string_view subprotocol = "mqtt", std::string_view more = {}) {
    return "GET " + std::string(target) +
           " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
           std::string(subprotocol) + "\r\n" + std::string(more) + "\r\n";
}

/// `Base` is the socket below.
template <class Base>
class WebSocketClientSocket final : public Base {
  public:
    template <class... Arguments>
    explicit WebSocketClientSocket(Arguments&&... arguments) : Base(std::forward<Arguments>(arguments)...) {}

    /// Sends `request` and returns the answer's head, with a refusal's body.
    std::string upgrade(std::string_view request) {
        Base::write(request);
        while (raw_.find("\r\n\r\n") == std::string::npos && fill()) {
        }
        const std::size_t end = raw_.find("\r\n\r\n");
        if (raw_.starts_with("HTTP/1.1 101")) return take(end + 4);
        while (fill()) {
        }
        return std::exchange(raw_, {});
    }

    bool write(std::string_view bytes) override { return Base::write(client_frame(WebSocketOpcode::binary, bytes)); }
    bool write_raw(std::string_view bytes) { return Base::write(bytes); }
    /// The payload of the next binary frame; 0 after Close or the end. Other frames are kept in `control`.
    std::ptrdiff_t read(char* to, std::size_t size) override {
        while (payload_.empty()) {
            if (closed_) return 0;
            std::pair<WebSocketOpcode, std::string> frame;
            if (!next_frame(frame)) return 0;
            if (frame.first == WebSocketOpcode::binary) {
                payload_ = std::move(frame.second);
            } else {
                closed_ = frame.first == WebSocketOpcode::close;
                control.push_back(std::move(frame));
            }
        }
        const std::size_t chunk = std::min(size, payload_.size());
        payload_.copy(to, chunk);
        payload_.erase(0, chunk);
        return static_cast<std::ptrdiff_t>(chunk);
    }
    /// The code of the Close that has come; 0 if none has.
    unsigned close_code() const {
        for (const auto& [opcode, payload] : control) {
            if (opcode == WebSocketOpcode::close && payload.size() >= 2)
                return static_cast<unsigned char>(payload[0]) << 8U | static_cast<unsigned char>(payload[1]);
        }
        return 0;
    }

    std::vector<std::pair<WebSocketOpcode, std::string>> control;

  private:
    bool fill() {
        char chunk[16384];
        const std::ptrdiff_t got = Base::read(chunk, sizeof chunk);
        if (got > 0) raw_.append(chunk, static_cast<std::size_t>(got));
        return got > 0;
    }
    std::string take(std::size_t size) {
        std::string out = raw_.substr(0, size);
        raw_.erase(0, size);
        return out;
    }
    bool need(std::size_t size) {
        while (raw_.size() < size) {
            if (!fill()) return false;
        }
        return true;
    }
    bool next_frame(std::pair<WebSocketOpcode, std::string>& out) {
        if (!need(2)) return false;
        const auto byte = [this](std::size_t at) { return static_cast<std::uint64_t>(static_cast<unsigned char>(raw_[at])); };
        out.first = static_cast<WebSocketOpcode>(byte(0) & 0x0F);
        std::uint64_t length = byte(1);
        EXPECT_LT(length, 128U) << "the server must not mask";
        const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (!need(2 + extended)) return false;
        if (extended != 0) length = 0;
        for (std::size_t i = 0; i < extended; ++i) length = length << 8 | byte(2 + i);
        take(2 + extended);
        if (!need(length)) return false;
        out.second = take(length);
        return true;
    }

    std::string raw_, payload_;
    bool closed_ = false;
};

}  // namespace fogbank::broker::testing
