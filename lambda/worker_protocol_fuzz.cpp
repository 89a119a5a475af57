// Frames of a worker whose handler has written over its memory: decoded or refused, and what is decoded encodes to the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "lambda/worker_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank::lambda;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto length = frame_size(bytes);
    const auto frame = decode_frame(bytes);
    if (!frame) return 0;
    if (length != size) std::abort();
    std::string again;
    const auto& n = frame->numbers;
    const auto& t = frame->texts;
    if (n.empty() && t.empty()) append_frame(again, frame->kind, {}, {});
    if (n.empty() && t.size() == 1) append_frame(again, frame->kind, {}, {t[0]});
    if (n.size() == 1 && t.size() == 1) append_frame(again, frame->kind, {n[0]}, {t[0]});
    if (n.size() == 1 && t.size() == 3) append_frame(again, frame->kind, {n[0]}, {t[0], t[1], t[2]});
    if (n.size() == 2 && t.size() == 1) append_frame(again, frame->kind, {n[0], n[1]}, {t[0]});
    if (n.size() == 2 && t.size() == 3) append_frame(again, frame->kind, {n[0], n[1]}, {t[0], t[1], t[2]});
    if (again != bytes) std::abort();
    return 0;
}
