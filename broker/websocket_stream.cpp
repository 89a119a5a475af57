#include "broker/websocket_stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "broker/websocket_codec.h"

namespace fogbank::broker {
namespace {

// A frame with its header fits into one TLS record.
constexpr std::size_t frame_payload_bytes = 16 * 1024 - 16;
// What may stand in front of a frame's payload: its header and an owed pong or two.
constexpr std::size_t front_bytes_max = 512;

class WebSocketStream final : public Stream {
  public:
    WebSocketStream(std::unique_ptr<Stream> inner, std::string first_bytes, std::uint64_t frame_bytes_max)
        : inner_(std::move(inner)), decoder_(frame_bytes_max), early_(std::move(first_bytes)) {}

    int descriptor() const override { return inner_->descriptor(); }
    IoResult handshake() override { return {}; }
    PeerFacts take_peer_facts() override { return {}; }
    bool reads_may_write() const override { return inner_->reads_may_write(); }
    bool ended_in_order() const override { return decoder_.state() == WebSocketDecoder::State::closed; }

    IoResult read(char* to, std::size_t size) override {
        if (decoder_.state() != WebSocketDecoder::State::open) return end_of_stream();
        IoResult raw = read_raw(to, size);
        if (raw.status != IoResult::Status::done) return raw;
        raw.bytes = decoder_.decode(to, raw.bytes);
        if (std::string answers = decoder_.take_answers(); !answers.empty()) {
            control_ = std::move(answers);  // a pong that could not leave yet gives way to the newer one
            // The answer to Close leaves with `end`: who sees it finds the session ended.
            if (decoder_.state() != WebSocketDecoder::State::closed) send_control();
        }
        // Payload in front of the end counts first; the end is found again by the next read.
        if (decoder_.state() == WebSocketDecoder::State::open) return raw;
        if (raw.bytes == 0) return end_of_stream();
        raw.drained = false;
        return raw;
    }

    IoResult write(const char* from, std::size_t size) override {
        std::size_t total = 0;
        while (total < size) {
            begin_frame(size - total);
            const std::size_t chunk = std::min<std::size_t>(size - total, frame_left_);
            std::array<char, front_bytes_max + frame_payload_bytes> buffer;
            std::memcpy(buffer.data(), front_.data(), front_.size());
            std::memcpy(buffer.data() + front_.size(), from + total, chunk);
            const IoResult sent = inner_->write(buffer.data(), front_.size() + chunk);
            if (sent.status != IoResult::Status::done) return total == 0 ? sent : IoResult{IoResult::Status::done, total, false};
            const std::size_t of_front = std::min(sent.bytes, front_.size());
            front_.erase(0, of_front);
            const std::size_t of_payload = sent.bytes - of_front;
            frame_left_ -= of_payload;
            total += of_payload;
        }
        return {IoResult::Status::done, total, false};
    }

    void end(CloseCode code) override {
        if (decoder_.state() != WebSocketDecoder::State::closed) {
            const CloseCode said = decoder_.state() == WebSocketDecoder::State::failed ? decoder_.error() : code;
            control_ += websocket_close_frame(said);
        }
        if (front_.empty()) send_control();
        inner_->end(code);
    }

    std::string failure() const override {
        return decoder_.reason().empty() ? inner_->failure() : "WebSocket: " + std::string(decoder_.reason());
    }

  private:
    IoResult read_raw(char* to, std::size_t size) {
        if (early_.empty()) return inner_->read(to, size);
        const std::size_t chunk = std::min(size, early_.size());
        std::memcpy(to, early_.data(), chunk);
        early_.erase(0, chunk);
        if (early_.empty()) early_.shrink_to_fit();
        return {IoResult::Status::done, chunk, false};
    }

    IoResult end_of_stream() const { return {ended_in_order() ? IoResult::Status::closed : IoResult::Status::violated, 0, false}; }

    /// What was offered to TLS once must be offered again until it is taken: nothing goes in front of a frame that has begun.
    void begin_frame(std::size_t size) {
        if (frame_left_ != 0) return;
        front_ += std::exchange(control_, {});
        frame_left_ = std::min(size, frame_payload_bytes);
        char header[websocket_header_bytes_max];
        front_.append(header, encode_websocket_header(header, WebSocketOpcode::binary, frame_left_));
    }

    /// Between frames at once; what does not leave goes with the next frame.
    void send_control() {
        if (frame_left_ != 0) return;
        if (front_.empty()) front_ = std::exchange(control_, {});
        const IoResult sent = inner_->write(front_.data(), front_.size());
        if (sent.status == IoResult::Status::done) front_.erase(0, sent.bytes);
    }

    std::unique_ptr<Stream> inner_;
    WebSocketDecoder decoder_;
    std::string early_, control_, front_;
    std::size_t frame_left_ = 0;  ///< payload bytes that the frame under way still lacks
};

}  // namespace

std::unique_ptr<Stream> make_websocket_stream(std::unique_ptr<Stream> inner, std::string first_bytes, std::uint64_t frame_bytes_max) {
    return std::make_unique<WebSocketStream>(std::move(inner), std::move(first_bytes), frame_bytes_max);
}

}  // namespace fogbank::broker
