#include <string>
#include <utility>

#include "broker/mqtt/detail/reader.h"
#include "common/encoding.h"

namespace fogbank::broker::mqtt::detail {

void Reader::fail(std::string_view field, std::string_view why, std::string_view clause) {
    fail_with(Errc::malformed, field, why, clause);
}

void Reader::fail_with(Errc code, std::string_view field, std::string_view why, std::string_view clause) {
    if (failed()) return;
    code_ = code;
    field_ = field;
    why_ = why;
    clause_ = clause;
    rest_ = {};
}

Error Reader::error() const {
    std::string text(packet_name_);
    if (!field_.empty()) text.append(" ").append(field_);
    text.append(": ").append(why_).append(" [").append(clause_).append("]");
    return {code_, std::move(text)};
}

bool Reader::has(std::size_t bytes, std::string_view field) {
    if (rest_.size() < bytes) fail(field, "the packet ends inside or before it", "section 2.2.3");
    return !failed();
}

std::uint8_t Reader::byte(std::string_view field) {
    if (!has(1, field)) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
}

std::uint16_t Reader::number(std::string_view field) {
    if (!has(2, field)) return 0;
    const auto high = static_cast<std::uint8_t>(rest_[0]);
    const auto low = static_cast<std::uint8_t>(rest_[1]);
    rest_.remove_prefix(2);
    return static_cast<std::uint16_t>(high << 8 | low);
}

std::uint32_t Reader::long_number(std::string_view field) {
    const std::uint32_t high = number(field);
    return high << 16U | number(field);
}

std::uint32_t Reader::variable(std::string_view field) {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
        const std::uint8_t next = byte(field);
        value |= static_cast<std::uint32_t>(next & 0x7FU) << shift;
        if (next == 0 && shift != 0) fail(field, "a variable byte integer in more bytes than it needs", "MQTT-1.5.5-1");
        if ((next & 0x80U) == 0) return failed() ? 0 : value;
    }
    fail(field, "a variable byte integer of more than four bytes", "MQTT-1.5.5-1");
    return 0;
}

std::string_view Reader::binary(std::string_view field) {
    return take(number(field), field);
}

std::string_view Reader::take(std::size_t size, std::string_view field) {
    if (!has(size, field)) return {};
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
}

std::string_view Reader::text(std::string_view field, std::string_view clause) {
    const std::string_view value = binary(field);
    if (value.find('\0') != std::string_view::npos) {
        fail(field, "contains U+0000", "MQTT-1.5.3-2");
    } else if (!is_valid_utf8(value)) {
        fail(field, "is not well-formed UTF-8", clause);
    }
    return failed() ? std::string_view() : value;
}

std::uint16_t Reader::packet_id() {
    const std::uint16_t value = number("packet identifier");
    if (value == 0) fail("packet identifier", "must not be 0", "MQTT-2.3.1-1");
    return value;
}

std::string_view Reader::rest() {
    return std::exchange(rest_, std::string_view());
}

}  // namespace fogbank::broker::mqtt::detail
