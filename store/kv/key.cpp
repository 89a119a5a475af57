#include "store/kv/key.h"

#include <cstddef>

namespace fogbank::store::kv {
namespace {

constexpr char zero = '\x00';
constexpr char escaped_zero = '\xFF';  // after 0x00: a 0x00 that belongs to the part
constexpr char end_of_part = '\x01';   // after 0x00: smaller than escaped_zero, so a shorter part sorts first
constexpr std::size_t number_bytes = 8;

}  // namespace

KeyBuilder& KeyBuilder::text(std::string_view part) {
    for (const char byte : part) {
        key_.push_back(byte);
        if (byte == zero) key_.push_back(escaped_zero);
    }
    key_.push_back(zero);
    key_.push_back(end_of_part);
    return *this;
}

KeyBuilder& KeyBuilder::number(std::uint64_t value) {
    for (std::size_t i = number_bytes; i-- > 0;) key_.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
    return *this;
}

KeyBuilder& KeyBuilder::raw(std::string_view bytes) {
    key_.append(bytes);
    return *this;
}

Range KeyBuilder::prefix_range() const {
    return Range{key_, prefix_end(key_)};
}

std::optional<std::string> KeyReader::text() {
    std::string part;
    for (std::size_t i = 0; i + 1 < rest_.size(); ++i) {
        if (rest_[i] != zero) {
            part.push_back(rest_[i]);
            continue;
        }
        const char after = rest_[++i];
        if (after == end_of_part) {
            rest_.remove_prefix(i + 1);
            return part;
        }
        if (after != escaped_zero) return std::nullopt;
        part.push_back(zero);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> KeyReader::number() {
    if (rest_.size() < number_bytes) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < number_bytes; ++i) value = (value << 8) | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(number_bytes);
    return value;
}

std::string prefix_end(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && end.back() == '\xFF') end.pop_back();
    if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return end;
}

}  // namespace fogbank::store::kv
