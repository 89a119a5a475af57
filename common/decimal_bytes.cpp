// Decimal as order-preserving bytes.
//
// A positive number is: where its first digit stands (one byte 0x89…0xF7 for magnitudes -55…55; else 0x88 (small) or 0xF8 (large) and three
// bytes, big-endian, biased), then its digits in pairs, each pair + 1 as one byte 0x01…0x64, then 0x00. The digits are left-aligned without
// trailing zeros, so a number that is another's prefix is the smaller one, and so is its terminator. Zero is the byte 0x80. A negative
// number is the complement of its absolute value, byte by byte. At most 1 + 3 + 19 + 1 = 24 bytes.
#include <algorithm>

#include "common/decimal.h"
#include "common/detail/decimal_parts.h"
#include "common/detail/uint256.h"

namespace fogbank {
namespace {

using detail::Uint128;

constexpr std::uint8_t zero_byte = 0x80;
constexpr std::uint8_t small_byte = 0x88, large_byte = 0xF8, middle_byte = 0xC0;
constexpr int short_magnitude_max = 55;
constexpr int magnitude_bias = 1 << 23;  ///< three bytes hold every magnitude
constexpr int pairs_max = Decimal::digits_max / 2;
constexpr std::uint8_t pair_byte_max = 100;
static_assert(Decimal::exponent_max < magnitude_bias);

void append_magnitude(std::string& out, int magnitude) {
    if (magnitude >= -short_magnitude_max && magnitude <= short_magnitude_max) {
        out += static_cast<char>(middle_byte + magnitude);
        return;
    }
    out += static_cast<char>(magnitude < 0 ? small_byte : large_byte);
    const int biased = magnitude + magnitude_bias;
    for (const int shift : {16, 8, 0}) out += static_cast<char>((biased >> shift) & 0xFF);
}

void append_digits(std::string& out, Uint128 absolute) {
    std::uint8_t pairs[pairs_max] = {};
    const int digits = detail::digit_count(absolute);
    if (digits % 2 != 0) absolute *= 10;  // at most 38 digits
    const int count = (digits + 1) / 2;
    for (int i = count; i > 0; --i) {
        pairs[i - 1] = static_cast<std::uint8_t>(absolute % 100);
        absolute /= 100;
    }
    for (int i = 0; i < count; ++i) out += static_cast<char>(pairs[i] + 1);
    out += '\0';
}

/// Takes bytes from the front, complemented if the number is negative.
class Reader {
  public:
    Reader(std::string_view bytes, bool complement) : bytes_(bytes), mask_(complement ? 0xFF : 0x00) {}
    std::optional<std::uint8_t> next() {
        if (at_ == bytes_.size()) return std::nullopt;
        return static_cast<std::uint8_t>(static_cast<std::uint8_t>(bytes_[at_++]) ^ mask_);
    }
    std::size_t consumed() const { return at_; }

  private:
    std::string_view bytes_;
    std::uint8_t mask_;
    std::size_t at_ = 0;
};

/// The magnitude; nothing if the bytes are not what `append_magnitude` writes.
std::optional<int> read_magnitude(Reader& reader) {
    const auto first = reader.next();
    if (!first || *first < small_byte || *first > large_byte) return std::nullopt;
    if (*first != small_byte && *first != large_byte) return *first - middle_byte;
    int biased = 0;
    for (int i = 0; i < 3; ++i) {
        const auto byte = reader.next();
        if (!byte) return std::nullopt;
        biased = biased * 256 + *byte;
    }
    const int magnitude = biased - magnitude_bias;
    const bool canonical = *first == small_byte ? magnitude < -short_magnitude_max : magnitude > short_magnitude_max;
    return canonical ? std::optional(magnitude) : std::nullopt;
}

struct Digits {
    Uint128 absolute = 0;
    int pairs = 0;
};
/// Digits up to the terminator; nothing if there are none, too many, or zeros at either end.
std::optional<Digits> read_digits(Reader& reader) {
    Digits out;
    std::uint8_t last = 0;
    for (auto byte = reader.next(); byte; byte = reader.next()) {
        if (*byte == 0) return last > 1 ? std::optional(out) : std::nullopt;
        if (*byte > pair_byte_max || out.pairs == pairs_max) return std::nullopt;
        if (out.pairs == 0 && *byte <= 10) return std::nullopt;  // the first digit is not zero
        out.absolute = out.absolute * 100 + (*byte - 1U);
        ++out.pairs;
        last = *byte;
    }
    return std::nullopt;
}

}  // namespace

std::string Decimal::sortable_bytes() const {
    std::string out;
    if (is_zero()) {
        out += static_cast<char>(zero_byte);
        return out;
    }
    append_magnitude(out, magnitude());
    append_digits(out, DecimalParts::absolute(*this));
    if (is_negative()) std::transform(out.begin(), out.end(), out.begin(), [](char c) { return static_cast<char>(~c); });
    return out;
}

std::optional<Decimal> Decimal::from_sortable_bytes(std::string_view& bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto first = static_cast<std::uint8_t>(bytes.front());
    if (first == zero_byte) {
        bytes.remove_prefix(1);
        return Decimal();
    }
    Reader reader(bytes, first < zero_byte);
    const auto magnitude = read_magnitude(reader);
    if (!magnitude) return std::nullopt;
    const auto digits = read_digits(reader);
    if (!digits) return std::nullopt;
    auto value = DecimalParts::make(first < zero_byte, digits->absolute, static_cast<std::int64_t>(*magnitude) + 1 - 2 * digits->pairs);
    if (value) bytes.remove_prefix(reader.consumed());
    return value;
}

}  // namespace fogbank
