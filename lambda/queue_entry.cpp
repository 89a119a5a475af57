#include "lambda/queue_entry.h"

#include <utility>

#include "store/kv/key.h"

namespace fogbank::lambda {
namespace {

using store::kv::KeyBuilder;
using store::kv::KeyReader;

constexpr std::string_view room = "fnq";
/// The first byte of a value; another layout gets another.
constexpr std::uint64_t layout = 2, layout_without_qualifier = 1;

}  // namespace

std::string QueueKey::encode() const {
    return KeyBuilder(room).text(function.view()).number(accepted_ms).number(number).str();
}

std::optional<QueueKey> QueueKey::decode(std::string_view key) {
    KeyReader reader(key);
    const auto in_room = reader.text();
    const auto name = reader.text();
    const auto time = reader.number();
    const auto last = reader.number();
    if (in_room != std::string(room) || !name || !time || !last || !reader.rest().empty()) return std::nullopt;
    return QueueKey{FunctionName(*name), *time, *last};
}

std::string QueueValue::encode() const {
    const auto due = static_cast<std::uint64_t>(not_before.time_since_epoch().count());
    std::string out = KeyBuilder().number(layout).number(attempts).number(due).text(request_id).text(qualifier).str();
    out += event;
    return out;
}

std::optional<QueueValue> QueueValue::decode(std::string_view bytes) {
    KeyReader reader(bytes);
    const auto version = reader.number();
    const auto made = reader.number();
    const auto due = reader.number();
    const auto id = reader.text();
    if ((version != layout && version != layout_without_qualifier) || !made || *made > 1000 || !due || !id) return std::nullopt;
    const auto which = version == layout ? reader.text() : std::optional<std::string>(std::in_place);
    if (!which) return std::nullopt;
    return QueueValue{*id, *which, static_cast<unsigned>(*made), WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(*due))),
                      std::string(reader.rest())};
}

store::kv::Range queue_keys() {
    return KeyBuilder(room).prefix_range();
}
store::kv::Range queue_keys(const FunctionName& function) {
    return KeyBuilder(room).text(function.view()).prefix_range();
}

}  // namespace fogbank::lambda
