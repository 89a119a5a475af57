// Joda-Time patterns, printing (declared in rules/time_zone.h).

#include <algorithm>

#include "rules/time_zone.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::int64_t ms_per_day = 86'400'000;

/// The fields of one moment in one zone.
struct Fields {
    ZoneMoment zone;
    std::string zone_id;
    CivilDate date;
    std::int64_t days = 0;
    std::int64_t week_year = 0;
    int week = 0;
    int ms_of_day = 0;

    int hour() const { return ms_of_day / 3'600'000; }
};

/// ISO 8601: the week belongs to the year that its Thursday is in.
void set_week(Fields& fields) {
    const std::int64_t thursday = fields.days - day_of_week(fields.days) + 4;
    fields.week_year = civil_from_days(thursday).year;
    CivilDate first;
    first.year = fields.week_year;
    fields.week = static_cast<int>((thursday - days_from_civil(first)) / 7) + 1;
}

Fields fields_of(std::int64_t epoch_ms, const TimeZone& zone) {
    Fields fields;
    fields.zone = zone.at(floor_divide(epoch_ms, 1000));
    fields.zone_id = zone.id();
    const std::int64_t local_ms = epoch_ms + fields.zone.offset_s * 1000;
    fields.days = floor_divide(local_ms, ms_per_day);
    fields.ms_of_day = static_cast<int>(floor_modulo(local_ms, ms_per_day));
    fields.date = civil_from_days(fields.days);
    set_week(fields);
    return fields;
}

void append_number(std::string& out, std::int64_t number, std::size_t digits) {
    if (number < 0) out += '-';
    const std::string text = std::to_string(number < 0 ? -number : number);
    if (text.size() < digits) out.append(digits - text.size(), '0');
    out += text;
}

void append_year(std::string& out, std::int64_t year, std::size_t count) {
    if (count == 2) return append_number(out, floor_modulo(year, 100), 2);
    append_number(out, year, count);
}

void append_name(std::string& out, std::string_view name, std::size_t count) {
    out += count >= 4 ? name : name.substr(0, short_name_bytes);
}

void append_fraction(std::string& out, int milliseconds, std::size_t digits) {
    std::string text = std::to_string(1000 + milliseconds).substr(1);
    text.resize(digits, '0');
    out += text;
}

void append_offset(std::string& out, const Fields& fields, std::size_t count) {
    if (count >= 3) {
        out += fields.zone_id;
    } else {
        // Joda prints hours and minutes here, whatever the offset.
        out += offset_text(fields.zone.offset_s - fields.zone.offset_s % 60, count == 2);
    }
}

/// 1 BC is year 0.
std::int64_t year_of_era(std::int64_t year) {
    return year > 0 ? year : 1 - year;
}

int day_of_year(const Fields& fields) {
    CivilDate first;
    first.year = fields.date.year;
    return static_cast<int>(fields.days - days_from_civil(first)) + 1;
}

bool append_date(std::string& out, char letter, std::size_t count, const Fields& fields) {
    switch (letter) {
        case 'G':
            out += fields.date.year > 0 ? "AD" : "BC";
            return true;
        case 'C':
            append_number(out, year_of_era(fields.date.year) / 100, count);
            return true;
        case 'Y':
            append_year(out, year_of_era(fields.date.year), count);
            return true;
        case 'y':
            append_year(out, fields.date.year, count);
            return true;
        case 'x':
            append_year(out, fields.week_year, count);
            return true;
        case 'w':
            append_number(out, fields.week, count);
            return true;
        case 'e':
            append_number(out, day_of_week(fields.days), count);
            return true;
        case 'E':
            append_name(out, day_names[static_cast<std::size_t>(day_of_week(fields.days)) - 1], count);
            return true;
        case 'D':
            append_number(out, day_of_year(fields), count);
            return true;
        case 'd':
            append_number(out, fields.date.day, count);
            return true;
        case 'M':
            if (count < 3) {
                append_number(out, fields.date.month, count);
            } else {
                append_name(out, month_names[static_cast<std::size_t>(fields.date.month) - 1], count);
            }
            return true;
        default:
            return false;
    }
}

bool append_time(std::string& out, char letter, std::size_t count, const Fields& fields) {
    const int hour = fields.hour();
    switch (letter) {
        case 'a':
            out += hour < 12 ? "AM" : "PM";
            return true;
        case 'K':
            append_number(out, hour % 12, count);
            return true;
        case 'h':
            append_number(out, (hour + 11) % 12 + 1, count);
            return true;
        case 'H':
            append_number(out, hour, count);
            return true;
        case 'k':
            append_number(out, hour == 0 ? 24 : hour, count);
            return true;
        case 'm':
            append_number(out, fields.ms_of_day / 60'000 % 60, count);
            return true;
        case 's':
            append_number(out, fields.ms_of_day / 1000 % 60, count);
            return true;
        case 'S':
            append_fraction(out, fields.ms_of_day % 1000, count);
            return true;
        case 'z':
            out += count >= 4 ? fields.zone.long_name : fields.zone.short_name;
            return true;
        case 'Z':
            append_offset(out, fields, count);
            return true;
        default:
            return false;
    }
}

/// Takes quoted text off the front of `pattern`; two quotes stand for one.
void append_quoted(std::string& out, std::string_view& pattern) {
    pattern.remove_prefix(1);
    if (pattern.starts_with('\'')) {
        out += '\'';
        pattern.remove_prefix(1);
        return;
    }
    while (!pattern.empty()) {
        const bool quote = pattern[0] == '\'';
        const bool two = pattern.starts_with("''");
        if (!quote || two) out += pattern[0];
        pattern.remove_prefix(two ? 2 : 1);
        if (quote && !two) return;
    }
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::optional<std::string> format_joda(std::string_view pattern, std::int64_t epoch_ms, const TimeZone& zone) {
    if (pattern.empty() || pattern.size() > time_pattern_bytes_max) return std::nullopt;
    const Fields fields = fields_of(epoch_ms, zone);
    std::string out;
    while (!pattern.empty()) {
        const char c = pattern[0];
        if (c == '\'') {
            append_quoted(out, pattern);
        } else if (!is_letter(c)) {
            out += c;
            pattern.remove_prefix(1);
        } else {
            const std::size_t count = std::min(pattern.find_first_not_of(c), pattern.size());
            if (!append_date(out, c, count, fields) && !append_time(out, c, count, fields)) return std::nullopt;
            pattern.remove_prefix(count);
        }
    }
    return out;
}

}  // namespace fogbank::rules::sql
