#include "logs/chunk.h"

#include "store/kv/key.h"

namespace fogbank::logs {
namespace {

using store::kv::KeyBuilder;
using store::kv::KeyReader;

constexpr std::uint64_t layout = 1;
constexpr std::size_t events_max = 100'000;

KeyBuilder room(std::string_view part) {
    KeyBuilder key("log");
    key.text(part);
    return key;
}
std::uint64_t milliseconds(WallTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}
WallTime time_of(std::uint64_t ms) {
    return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(ms)));
}

}  // namespace

std::string encode_chunk(const std::vector<LogEvent>& events, WallTime ingested_at) {
    KeyBuilder out;
    out.number(layout).number(milliseconds(ingested_at)).number(events.size());
    for (const LogEvent& event : events) out.number(milliseconds(event.at)).text(event.message);
    return std::move(out).str();
}

std::optional<std::vector<StoredEvent>> decode_chunk(std::string_view bytes) {
    KeyReader reader(bytes);
    const auto version = reader.number();
    const auto ingested = reader.number();
    const auto count = reader.number();
    if (version != layout || !ingested || !count || *count > events_max) return std::nullopt;
    std::vector<StoredEvent> out;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto at = reader.number();
        auto message = reader.text();
        if (!at || !message) return std::nullopt;
        StoredEvent event;
        event.at = time_of(*at);
        event.ingested_at = time_of(*ingested);
        event.index = i;
        event.message = std::move(*message);
        out.push_back(std::move(event));
    }
    return out;
}

std::string group_key(const std::string& group) {
    return room("g").text(group).str();
}
std::string stream_key(const std::string& group, const std::string& stream) {
    return room("s").text(group).text(stream).str();
}
std::string chunk_key(const std::string& group, const std::string& stream, std::uint64_t number) {
    return room("e").text(group).text(stream).number(number).str();
}
store::kv::Range all_group_keys() {
    return room("g").prefix_range();
}
store::kv::Range all_stream_keys() {
    return room("s").prefix_range();
}
store::kv::Range all_chunk_keys() {
    return room("e").prefix_range();
}
store::kv::Range stream_keys(const std::string& group) {
    return room("s").text(group).prefix_range();
}
store::kv::Range chunk_keys(const std::string& group) {
    return room("e").text(group).prefix_range();
}
store::kv::Range chunk_keys(const std::string& group, const std::string& stream) {
    return room("e").text(group).text(stream).prefix_range();
}

}  // namespace fogbank::logs
