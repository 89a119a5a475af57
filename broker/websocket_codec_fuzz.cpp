// Any bytes, split anywhere: the same payload, answers and end as in one piece, and never more payload than bytes.
#include <cstdlib>
#include <string>

#include "broker/websocket_codec.h"

namespace {

struct Outcome {
    std::string payload;
    fogbank::broker::WebSocketDecoder::State state;
    std::string reason;
};

Outcome decode(std::string_view bytes, std::size_t step) {
    fogbank::broker::WebSocketDecoder decoder(1 << 20);
    Outcome out{{}, decoder.state(), {}};
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        std::string piece(bytes.substr(at, step));
        const std::size_t payload = decoder.decode(piece.data(), piece.size());
        if (payload > piece.size()) std::abort();
        out.payload.append(piece, 0, payload);
        if (decoder.take_answers().size() > 512) std::abort();
    }
    out.state = decoder.state();
    out.reason = decoder.reason();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.empty()) return 0;
    const Outcome whole = decode(bytes, bytes.size());
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{7}}) {
        const Outcome split = decode(bytes, step);
        if (split.payload != whole.payload || split.state != whole.state || split.reason != whole.reason) std::abort();
    }
    return 0;
}
