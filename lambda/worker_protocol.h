/// What the server and a worker process say to each other over their socket.
///
/// A frame is its length (4 bytes, little-endian, of what follows), its kind (1 byte) and its fields: numbers of 8 bytes, texts with their
/// length in front (4 bytes). The server sends `invoke` and `reply`; the worker sends `ready` or `refused` once, then for each `invoke` any
/// number of `log` and `call` (each call is answered by one `reply`) and one `result`. Server and worker are the same program, so the
/// format has no version; but the handler shares the worker's memory, so the server takes nothing on trust.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fogbank::lambda {

enum class FrameKind : std::uint8_t { ready = 1, refused, invoke, log, call, reply, result };

/// What a handler may ask of the server.
enum class HostCall : std::uint8_t { put_item = 1, get_item, delete_item, publish, get_shadow, update_shadow };

struct Frame {
    FrameKind kind{};
    std::vector<std::uint64_t> numbers;
    std::vector<std::string_view> texts;  ///< into the bytes that were decoded
};

/// Events and results have 6 MB, a host call's item 4 MB; the rest is names.
inline constexpr std::size_t frame_bytes_max = 8 * 1024 * 1024;
inline constexpr std::size_t frame_head_bytes = 4;

/// Numbers and texts of each kind:
///   ready: – / –; refused: – / reason; invoke: deadline_ms, whether the next one may
///   be waited for awake / request_id, arn, event; log: – / line;
///   call: HostCall, number / first, second, third; reply: status / text; result: status, peak memory in KB / payload.
void append_frame(std::string& out, FrameKind kind, std::initializer_list<std::uint64_t> numbers,
                  std::initializer_list<std::string_view> texts);

/// How long the whole frame at the beginning of `bytes` is. Nothing if its head is not there yet; a length beyond frame_bytes_max is
/// returned as it is, for the caller to refuse.
std::optional<std::size_t> frame_size(std::string_view bytes);

/// Decodes one whole frame. Nothing if it is not one. Any bytes are safe.
std::optional<Frame> decode_frame(std::string_view bytes);

}  // namespace fogbank::lambda
