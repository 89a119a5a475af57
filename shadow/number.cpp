#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "shadow/detail/number.h"

namespace fogbank::shadow::detail {
namespace {

/// digits × 10^exponent, the digits without zeros at either end; no digits: zero.
struct Decimal {
    bool negative = false;
    std::string digits;
    std::int64_t exponent = 0;
    friend bool operator==(const Decimal&, const Decimal&) = default;
};

std::optional<std::int64_t> read_exponent(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    std::int64_t out = 0;
    for (const char c : text) {
        if (out > (std::int64_t{1} << 56)) return std::nullopt;
        out = out * 10 + (c - '0');
    }
    return negative ? -out : out;
}

std::optional<Decimal> read(std::string_view text) {
    Decimal out;
    out.negative = text.starts_with('-');
    if (out.negative) text.remove_prefix(1);
    if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
        const auto exponent = read_exponent(text.substr(e + 1));
        if (!exponent) return std::nullopt;
        out.exponent = *exponent;
        text = text.substr(0, e);
    }
    const auto point = text.find('.');
    out.digits = text.substr(0, point);
    if (point != std::string_view::npos) {
        out.digits += text.substr(point + 1);
        out.exponent -= static_cast<std::int64_t>(text.size() - point - 1);
    }
    out.digits.erase(0, std::min(out.digits.find_first_not_of('0'), out.digits.size()));
    while (out.digits.ends_with('0')) {
        out.digits.pop_back();
        ++out.exponent;
    }
    if (out.digits.empty()) return Decimal();
    return out;
}

}  // namespace

bool equal_numbers(std::string_view a, std::string_view b) {
    if (a == b) return true;
    const auto left = read(a);
    const auto right = read(b);
    return left && right && *left == *right;
}

}  // namespace fogbank::shadow::detail
