/// A small blocking MQTT client for tests: bytes in and out, every wait with a deadline. It does what the test says and nothing by itself.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "broker/mqtt/packet.h"
#include "common/encoding.h"

namespace fogbank::broker::testing {

/// Bytes over a socket. Reads and writes wait at most ten seconds.
class ClientSocket {
  public:
    explicit ClientSocket(std::int32_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
        }
        const int on = 1;
        ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        timeval timeout{10, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    }
    virtual ~ClientSocket() { ::close(descriptor_); }
    ClientSocket(const ClientSocket&) = delete;
    ClientSocket& operator=(const ClientSocket&) = delete;

    int descriptor() const { return descriptor_; }
    /// @return false if the peer has closed.
    virtual bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    /// @return how many bytes; 0 if the peer has closed, negative on a time-out.
    virtual std::ptrdiff_t read(char* to, std::size_t size) {
        const ssize_t got = ::recv(descriptor_, to, size, 0);
        if (got < 0 && errno == ECONNRESET) return 0;
        return got;
    }

  private:
    int descriptor_;
};

class MqttClient {
  public:
    explicit MqttClient(std::int32_t port) : socket_(std::make_unique<ClientSocket>(port)) {}
    explicit MqttClient(std::unique_ptr<ClientSocket> socket) : socket_(std::move(socket)) {}

    ClientSocket& socket() { return *socket_; }
    bool send(std::string_view bytes) { return socket_->write(bytes); }
    /// Hex with spaces.
    bool send_hex(std::string_view hex) { return send(unhex(hex)); }

    /// The next `size` bytes; fewer if the connection ends or nothing comes any more.
    std::string receive(std::size_t size) {
        while (buffer_.size() < size && fill()) {
        }
        std::string out = buffer_.substr(0, size);
        buffer_.erase(0, out.size());
        return out;
    }
    /// The next whole packet; empty if the connection ended before it.
    std::string receive_packet() {
        while (true) {
            const auto frame = mqtt::find_frame(buffer_, 1 << 28);
            if (!frame) return {};
            if (*frame && (*frame)->bytes <= buffer_.size()) return receive((*frame)->bytes);
            if (!fill()) return {};
        }
    }
    /// Whether the server closes the connection, with nothing more to read.
    bool closed() { return buffer_.empty() && !fill() && ended_; }
    bool has_ended() const { return ended_; }

    // Packets.
    void connect(std::string_view client_id) {
        mqtt::Connect connect;
        connect.client_id = client_id;
        connect_with(connect);
        EXPECT_EQ(receive(4), unhex("20020000")) << client_id;
    }
    void connect_with(const mqtt::Connect& connect) {
        std::string bytes;
        mqtt::encode_connect(bytes, connect);
        send(bytes);
    }
    void subscribe(std::string_view topic_filter, std::uint8_t qos, std::uint16_t packet_id = 1) {
        send_subscribe(topic_filter, qos, packet_id);
        std::string expected("\x90\x03", 2);
        expected.push_back(static_cast<char>(packet_id >> 8));
        expected.push_back(static_cast<char>(packet_id));
        expected.push_back(static_cast<char>(qos));
        EXPECT_EQ(receive_packet(), expected) << topic_filter;
    }
    void send_subscribe(std::string_view topic_filter, std::uint8_t qos, std::uint16_t packet_id = 1) {
        mqtt::Subscribe subscribe;
        subscribe.packet_id = packet_id;
        subscribe.topics.push_back({topic_filter, qos});
        std::string bytes;
        mqtt::encode_subscribe(bytes, subscribe);
        send(bytes);
    }
    static std::string publish_packet(std::string_view topic, std::string_view payload, std::uint16_t packet_id = 0, bool retain = false) {
        const Qos qos = packet_id == 0 ? Qos::at_most_once : Qos::at_least_once;
        std::string bytes;
        mqtt::append_publish(bytes, mqtt::encode_publish(topic, payload, qos, retain), packet_id, false);
        return bytes;
    }
    /// QoS 1 if there is a packet id.
    void publish(std::string_view topic, std::string_view payload, std::uint16_t packet_id = 0) {
        send(publish_packet(topic, payload, packet_id));
    }
    static std::string puback_packet(std::uint16_t packet_id) {
        std::string bytes;
        mqtt::encode_puback(bytes, packet_id);
        return bytes;
    }
    void puback(std::uint16_t packet_id) { send(puback_packet(packet_id)); }
    void expect_puback(std::uint16_t packet_id) { EXPECT_EQ(hex_encode(receive_packet()), hex_encode(puback_packet(packet_id))); }
    /// Sends PINGREQ and expects that nothing but PINGRESP comes: everything sent before has been handled.
    void ping() {
        send_hex("C000");
        EXPECT_EQ(hex_encode(receive_packet()), "d000");
    }
    /// The next packet must be a PUBLISH; QoS 1 is acknowledged.
    struct Received {
        std::string topic_name, payload;
        std::uint16_t packet_id = 0;
        bool retain = false;
    };
    std::optional<Received> receive_publish(bool acknowledge = true) {
        const std::string packet = receive_packet();
        if (packet.empty()) return std::nullopt;
        const auto decoded = mqtt::decode_client_packet(packet);
        const mqtt::Publish* publish = decoded ? std::get_if<mqtt::Publish>(&*decoded) : nullptr;
        if (publish == nullptr) {
            ADD_FAILURE() << "not a PUBLISH: " << hex_encode(packet);
            return std::nullopt;
        }
        if (publish->packet_id != 0 && acknowledge) puback(publish->packet_id);
        return Received{std::string(publish->topic_name), std::string(publish->payload), publish->packet_id, publish->retain};
    }

    static std::string unhex(std::string_view hex) {
        std::string packed;
        for (const char c : hex) {
            if (c != ' ') packed.push_back(c);
        }
        auto bytes = hex_decode(packed);
        if (!bytes) throw std::runtime_error("bad hex: " + std::string(hex));
        return *bytes;
    }

  private:
    bool fill() {
        if (ended_) return false;
        char chunk[16384];
        const std::ptrdiff_t got = socket_->read(chunk, sizeof chunk);
        if (got == 0) ended_ = true;
        if (got <= 0) return false;
        buffer_.append(chunk, static_cast<std::size_t>(got));
        return true;
    }

    std::unique_ptr<ClientSocket> socket_;
    std::string buffer_;
    bool ended_ = false;
};

}  // namespace fogbank::broker::testing
