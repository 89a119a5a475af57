#include "policy/detail/values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

namespace fogbank::policy {
namespace {

/// Longer texts are no number, date or address anyone writes.
constexpr std::size_t value_bytes_max = 64;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Takes fixed-width parts off the front of a date.
class DateReader {
  public:
    explicit DateReader(std::string_view text) : rest_(text) {}
    bool done() const { return rest_.empty(); }
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::optional<int> digits(std::size_t count) {
        if (rest_.size() < count) return std::nullopt;
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }
    /// `.678…` in milliseconds, further digits dropped; nothing if a point has no digits.
    std::optional<int> fraction_ms() {
        int ms = 0;
        int scale = 100;
        bool any = false;
        while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
            ms += (rest_.front() - '0') * scale;
            scale /= 10;
            any = true;
            rest_.remove_prefix(1);
        }
        return any ? std::optional(ms) : std::nullopt;
    }

  private:
    std::string_view rest_;
};

std::optional<std::int64_t> day_ms(DateReader& reader) {
    using namespace std::chrono;
    const auto y = reader.digits(4);
    if (!y) return std::nullopt;
    int m = 1;
    int d = 1;
    if (reader.take('-')) {
        const auto months = reader.digits(2);
        if (!months) return std::nullopt;
        m = *months;
        if (reader.take('-')) {
            const auto days = reader.digits(2);
            if (!days) return std::nullopt;
            d = *days;
        }
    }
    const year_month_day date{year(*y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
    if (!date.ok()) return std::nullopt;
    return duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count();
}

/// `03:04`, `03:04:05`, `03:04:05.678`.
std::optional<std::int64_t> time_of_day_ms(DateReader& reader) {
    const auto h = reader.digits(2);
    if (!h || *h > 23 || !reader.take(':')) return std::nullopt;
    const auto m = reader.digits(2);
    if (!m || *m > 59) return std::nullopt;
    int seconds = 0;
    int ms = 0;
    if (reader.take(':')) {
        const auto s = reader.digits(2);
        if (!s || *s > 60) return std::nullopt;
        seconds = *s;
        if (reader.take('.')) {
            const auto fraction = reader.fraction_ms();
            if (!fraction) return std::nullopt;
            ms = *fraction;
        }
    }
    return ((std::int64_t{*h} * 60 + *m) * 60 + seconds) * 1000 + ms;
}

/// `Z`, `+01:00`, or nothing at all (UTC).
std::optional<std::int64_t> zone_ms(DateReader& reader) {
    if (reader.done() || reader.take('Z') || reader.take('z')) return 0;
    const bool east = reader.take('+');
    if (!east && !reader.take('-')) return std::nullopt;
    const auto h = reader.digits(2);
    reader.take(':');
    const auto m = reader.digits(2);
    if (!h || !m || *h > 23 || *m > 59) return std::nullopt;
    const std::int64_t offset = (std::int64_t{*h} * 60 + *m) * 60'000;
    return east ? offset : -offset;
}

std::optional<std::int64_t> parse_iso_date(std::string_view text) {
    DateReader reader(text);
    const auto day = day_ms(reader);
    if (!day) return std::nullopt;
    if (reader.done()) return day;
    if (!reader.take('T') && !reader.take('t')) return std::nullopt;
    const auto time = time_of_day_ms(reader);
    if (!time) return std::nullopt;
    const auto zone = zone_ms(reader);
    if (!zone || !reader.done()) return std::nullopt;
    return *day + *time - *zone;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
    if (text.size() > value_bytes_max) return std::nullopt;
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
    if (text.size() > value_bytes_max) return std::nullopt;
    // Four digits are a year in NOTE-datetime; an epoch so near to 1970 is nobody's date.
    if (const auto date = parse_iso_date(text)) return date;
    const auto seconds = parse_number(text);
    constexpr double seconds_max = 1e12;
    if (!seconds || std::abs(*seconds) > seconds_max) return std::nullopt;
    return std::llround(*seconds * 1000);
}

std::optional<bool> parse_boolean(std::string_view text) {
    std::string folded(text.substr(0, 6));
    std::transform(folded.begin(), folded.end(), folded.begin(), lower);
    if (folded == "true") return true;
    if (folded == "false") return false;
    return std::nullopt;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
    if (text.size() > value_bytes_max || text.find('\0') != std::string_view::npos) return std::nullopt;
    const std::string terminated(text);
    IpAddress out;
    if (inet_pton(AF_INET, terminated.c_str(), out.bytes.data()) == 1) return out;
    if (inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) != 1) return std::nullopt;
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::equal(mapped.begin(), mapped.end(), out.bytes.begin())) {
        IpAddress v4;
        std::copy_n(out.bytes.begin() + 12, 4, v4.bytes.begin());
        return v4;
    }
    out.v6 = true;
    return out;
}

bool IpBlock::contains(const IpAddress& other) const {
    if (other.v6 != address.v6) return false;
    const unsigned whole = prefix_bits / 8;
    if (!std::equal(other.bytes.begin(), other.bytes.begin() + whole, address.bytes.begin())) return false;
    const unsigned rest = prefix_bits % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xFF00U >> rest);
    return (other.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

std::optional<IpBlock> parse_ip_block(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_ip_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    const unsigned bits_max = address->v6 ? 128 : 32;
    IpBlock out{*address, bits_max};
    if (slash == std::string_view::npos) return out;
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), out.prefix_bits);
    if (error != std::errc{} || end != bits.data() + bits.size() || out.prefix_bits > bits_max) return std::nullopt;
    return out;
}

}  // namespace fogbank::policy
