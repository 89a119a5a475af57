// Dates. Source: reference "rules-sql", section 9.4. parse_time speaks Joda-Time's patterns, time_to_epoch java.time's: as documented.

#include <array>
#include <cstdlib>

#include "rules/functions.h"
#include "rules/time_zone.h"

namespace fogbank::rules::sql {
namespace {

/// Some 270,000 years to either side, far inside what the calendar's arithmetic holds.
constexpr std::int64_t epoch_ms_max = 8'640'000'000'000'000;

bool take_two_digits(std::string_view& text, std::int64_t most, std::int64_t& out) {
    if (text.size() < 2 || text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
    out = (text[0] - '0') * 10 + (text[1] - '0');
    text.remove_prefix(2);
    return out <= most;
}

/// `+hh`, `+hh:mm`, `+hhmm`, as Joda-Time's DateTimeZone.forID reads them.
std::optional<TimeZone> offset_zone(std::string_view text) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(1);
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    if (!take_two_digits(text, 23, hours)) return std::nullopt;
    if (text.starts_with(':')) text.remove_prefix(1);
    if (!text.empty() && (!take_two_digits(text, 59, minutes) || !text.empty())) return std::nullopt;
    const std::int64_t offset_s = hours * 3600 + minutes * 60;
    return TimeZone::fixed(negative ? -offset_s : offset_s);
}

std::optional<TimeZone> zone_of(std::string_view id) {
    if (id.starts_with('+') || id.starts_with('-')) return offset_zone(id);
    return TimeZone::region(id);
}

/// parse_time(pattern, timestamp [, timezone])
Value parse_time(const CallContext&, Arguments arguments) {
    const auto pattern = to_text(arguments[0]);
    const auto number = to_integer(arguments[1]);
    const auto epoch_ms = number ? number->to_int64() : std::nullopt;
    if (!pattern || !epoch_ms || *epoch_ms > epoch_ms_max || *epoch_ms < -epoch_ms_max) return {};
    std::optional<TimeZone> zone = TimeZone::utc();
    if (arguments.size() == 3) {
        const auto id = to_text(arguments[2]);
        zone = id ? zone_of(id->view()) : std::nullopt;
    }
    if (!zone) return {};
    auto text = format_joda(pattern->view(), *epoch_ms, *zone);
    return text ? Value::string(std::move(*text)) : Value();
}

/// time_to_epoch(text, pattern). Text that does not fit is Undefined; AWS documents nothing.
Value time_to_epoch(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto pattern = to_text(arguments[1]);
    if (!text || !pattern) return {};
    const auto epoch_ms = parse_java_time(text->view(), pattern->view());
    return epoch_ms ? Value::integer(*epoch_ms) : Value();
}

constexpr auto v2016 = Version::v2016_03_23;
constexpr std::array<Function, 2> table{{
    {"parse_time", 2, 3, v2016, true, false, parse_time},
    {"time_to_epoch", 2, 2, v2016, true, false, time_to_epoch},
}};

}  // namespace

std::span<const Function> time_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
