#include "rules/time_zone.h"

#include <date/tz.h>

#include <algorithm>

namespace fogbank::rules::sql {
namespace {

constexpr std::int64_t seconds_per_day = 86'400;
/// Beyond year ±30,000 the database's own calendar ends; zones keep their offset of then.
constexpr std::int64_t lookup_seconds_max = std::int64_t{28'000} * 365 * seconds_per_day;

struct ZoneName {
    std::string_view prefix;        ///< of the region; empty: any
    std::string_view abbreviation;  ///< the database's
    std::string_view short_name, long_name;
};
/// What English speakers call the zones, as the JDK does. The first row that fits counts.
constexpr std::array zone_names{
    ZoneName{"", "UTC", "UTC", "Coordinated Universal Time"},
    ZoneName{"", "GMT", "GMT", "Greenwich Mean Time"},
    ZoneName{"Europe/London", "BST", "BST", "British Summer Time"},
    ZoneName{"Europe/Dublin", "IST", "IST", "Irish Standard Time"},
    ZoneName{"Asia/Jerusalem", "IST", "IST", "Israel Standard Time"},
    ZoneName{"Asia/", "IST", "IST", "India Standard Time"},
    ZoneName{"Asia/Jerusalem", "IDT", "IDT", "Israel Daylight Time"},
    ZoneName{"Asia/", "CST", "CST", "China Standard Time"},
    ZoneName{"America/Havana", "CST", "CST", "Cuba Standard Time"},
    ZoneName{"", "CST", "CST", "Central Standard Time"},
    ZoneName{"", "CDT", "CDT", "Central Daylight Time"},
    ZoneName{"", "EST", "EST", "Eastern Standard Time"},
    ZoneName{"", "EDT", "EDT", "Eastern Daylight Time"},
    ZoneName{"", "MST", "MST", "Mountain Standard Time"},
    ZoneName{"", "MDT", "MDT", "Mountain Daylight Time"},
    ZoneName{"", "PST", "PST", "Pacific Standard Time"},
    ZoneName{"", "PDT", "PDT", "Pacific Daylight Time"},
    ZoneName{"", "AKST", "AKST", "Alaska Standard Time"},
    ZoneName{"", "AKDT", "AKDT", "Alaska Daylight Time"},
    ZoneName{"", "HST", "HST", "Hawaii Standard Time"},
    ZoneName{"", "AST", "AST", "Atlantic Standard Time"},
    ZoneName{"", "ADT", "ADT", "Atlantic Daylight Time"},
    ZoneName{"", "NST", "NST", "Newfoundland Standard Time"},
    ZoneName{"", "NDT", "NDT", "Newfoundland Daylight Time"},
    ZoneName{"", "WET", "WET", "Western European Time"},
    ZoneName{"", "WEST", "WEST", "Western European Summer Time"},
    ZoneName{"", "CET", "CET", "Central European Time"},
    ZoneName{"", "CEST", "CEST", "Central European Summer Time"},
    ZoneName{"", "EET", "EET", "Eastern European Time"},
    ZoneName{"", "EEST", "EEST", "Eastern European Summer Time"},
    ZoneName{"", "MSK", "MSK", "Moscow Standard Time"},
    ZoneName{"", "SAST", "SAST", "South Africa Standard Time"},
    ZoneName{"", "CAT", "CAT", "Central African Time"},
    ZoneName{"", "EAT", "EAT", "Eastern African Time"},
    ZoneName{"", "WAT", "WAT", "Western African Time"},
    ZoneName{"", "PKT", "PKT", "Pakistan Time"},
    ZoneName{"", "JST", "JST", "Japan Standard Time"},
    ZoneName{"", "KST", "KST", "Korea Standard Time"},
    ZoneName{"", "HKT", "HKT", "Hong Kong Time"},
    ZoneName{"", "WIB", "WIB", "West Indonesia Time"},
    ZoneName{"", "AWST", "AWST", "Australian Western Standard Time"},
    ZoneName{"", "ACST", "ACST", "Australian Central Standard Time"},
    ZoneName{"", "ACDT", "ACDT", "Australian Central Daylight Time"},
    ZoneName{"", "AEST", "AEST", "Australian Eastern Standard Time"},
    ZoneName{"", "AEDT", "AEDT", "Australian Eastern Daylight Time"},
    ZoneName{"", "NZST", "NZST", "New Zealand Standard Time"},
    ZoneName{"", "NZDT", "NZDT", "New Zealand Daylight Time"},
    ZoneName{"America/Sao_Paulo", "-03", "BRT", "Brasilia Time"},
    ZoneName{"America/Argentina/", "-03", "ART", "Argentine Time"},
    ZoneName{"America/Bogota", "-05", "COT", "Colombia Time"},
    ZoneName{"America/Lima", "-05", "PET", "Peru Time"},
    ZoneName{"Asia/Dubai", "+04", "GST", "Gulf Standard Time"},
    ZoneName{"Asia/Singapore", "+08", "SGT", "Singapore Time"},
    ZoneName{"Asia/Bangkok", "+07", "ICT", "Indochina Time"},
    ZoneName{"Europe/Istanbul", "+03", "TRT", "Turkey Time"},
};

struct DisplayName {
    std::string_view name, region;
};
/// Which zone a name stands for when it is read: the JDK's preferred ones.
constexpr std::array display_names{
    DisplayName{"EST", "America/New_York"},    DisplayName{"EDT", "America/New_York"},    DisplayName{"CST", "America/Chicago"},
    DisplayName{"CDT", "America/Chicago"},     DisplayName{"MST", "America/Denver"},      DisplayName{"MDT", "America/Denver"},
    DisplayName{"PST", "America/Los_Angeles"}, DisplayName{"PDT", "America/Los_Angeles"}, DisplayName{"AKST", "America/Anchorage"},
    DisplayName{"AKDT", "America/Anchorage"},  DisplayName{"HST", "Pacific/Honolulu"},    DisplayName{"AST", "America/Halifax"},
    DisplayName{"ADT", "America/Halifax"},     DisplayName{"NST", "America/St_Johns"},    DisplayName{"NDT", "America/St_Johns"},
    DisplayName{"WET", "Europe/Lisbon"},       DisplayName{"WEST", "Europe/Lisbon"},      DisplayName{"BST", "Europe/London"},
    DisplayName{"CET", "Europe/Paris"},        DisplayName{"CEST", "Europe/Paris"},       DisplayName{"EET", "Europe/Bucharest"},
    DisplayName{"EEST", "Europe/Bucharest"},   DisplayName{"MSK", "Europe/Moscow"},       DisplayName{"IST", "Asia/Kolkata"},
    DisplayName{"JST", "Asia/Tokyo"},          DisplayName{"KST", "Asia/Seoul"},          DisplayName{"HKT", "Asia/Hong_Kong"},
    DisplayName{"SGT", "Asia/Singapore"},      DisplayName{"AWST", "Australia/Perth"},    DisplayName{"ACST", "Australia/Adelaide"},
    DisplayName{"ACDT", "Australia/Adelaide"}, DisplayName{"AEST", "Australia/Sydney"},   DisplayName{"AEDT", "Australia/Sydney"},
    DisplayName{"NZST", "Pacific/Auckland"},   DisplayName{"NZDT", "Pacific/Auckland"},   DisplayName{"SAST", "Africa/Johannesburg"},
};

/// Null if there is none. The database answers unknown names with an exception.
const date::time_zone* find_zone(std::string_view name) {
    try {
        return date::locate_zone(name);
    } catch (const std::exception&) {
        return nullptr;
    }
}

std::optional<date::sys_info> info_at(const void* zone, std::int64_t epoch_s) {
    const std::int64_t within = std::clamp(epoch_s, -lookup_seconds_max, lookup_seconds_max);
    try {
        return static_cast<const date::time_zone*>(zone)->get_info(date::sys_seconds(std::chrono::seconds(within)));
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

}  // namespace

// Source of the two: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
std::int64_t days_from_civil(const CivilDate& date) {
    const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    const std::int64_t era = floor_divide(year, 400);
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

CivilDate civil_from_days(std::int64_t days) {
    days += 719'468;
    const std::int64_t era = floor_divide(days, 146'097);
    const std::int64_t day_of_era = days - era * 146'097;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
    CivilDate date;
    date.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    date.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

bool is_leap_year(std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_of_month(std::int64_t year, int month) {
    if (month == 2) return is_leap_year(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int day_of_week(std::int64_t days) {
    return static_cast<int>(floor_modulo(days + 3, 7)) + 1;  // 1970-01-01 was a Thursday
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}
std::int64_t floor_modulo(std::int64_t a, std::int64_t b) {
    return a - floor_divide(a, b) * b;
}

std::string offset_text(std::int64_t offset_s, bool with_colon) {
    const std::int64_t size = offset_s < 0 ? -offset_s : offset_s;
    const auto two = [](std::int64_t number) {
        return std::string{static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
    };
    std::string text = (offset_s < 0 ? "-" : "+") + two(size / 3600);
    if (with_colon) text += ':';
    text += two(size / 60 % 60);
    if (size % 60 == 0) return text;
    return text + (with_colon ? ":" : "") + two(size % 60);
}

TimeZone TimeZone::fixed(std::int64_t offset_s) {
    TimeZone zone;
    zone.offset_s_ = offset_s;
    if (offset_s != 0) zone.id_ = offset_text(offset_s, true);
    return zone;
}

std::optional<TimeZone> TimeZone::region(std::string_view name) {
    if (name == "UTC" || name == "UT") return utc();
    const date::time_zone* found = find_zone(name);
    if (found == nullptr) return std::nullopt;
    TimeZone zone;
    zone.zone_ = found;
    zone.id_ = std::string(name);
    return zone;
}

std::optional<TimeZone> TimeZone::by_display_name(std::string_view name) {
    for (const ZoneName& known : zone_names) {
        if (known.long_name == name) name = known.short_name;
    }
    if (name == "GMT") return region("GMT");
    const auto found =
        std::find_if(display_names.begin(), display_names.end(), [&](const DisplayName& display) { return display.name == name; });
    return found == display_names.end() ? std::nullopt : region(found->region);
}

ZoneMoment TimeZone::at(std::int64_t epoch_s) const {
    ZoneMoment moment;
    std::string abbreviation = "UTC";
    moment.offset_s = offset_s_;
    if (zone_ != nullptr) {
        if (const auto info = info_at(zone_, epoch_s)) {
            moment.offset_s = info->offset.count();
            abbreviation = info->abbrev;
        }
    } else if (offset_s_ != 0) {
        abbreviation = offset_text(offset_s_, true);
    }
    for (const ZoneName& known : zone_names) {
        if (known.abbreviation != abbreviation || !id_.starts_with(known.prefix)) continue;
        moment.short_name = known.short_name;
        moment.long_name = known.long_name;
        return moment;
    }
    const bool letters = !abbreviation.empty() && abbreviation[0] != '+' && abbreviation[0] != '-';
    moment.short_name = letters ? abbreviation : offset_text(moment.offset_s, true);
    moment.long_name = moment.short_name;
    return moment;
}

std::int64_t TimeZone::to_utc(std::int64_t local_s) const {
    if (zone_ == nullptr) return local_s - offset_s_;
    // The offsets that hold a day before and after are the two candidates: no zone changes twice within that time.
    const auto before = info_at(zone_, local_s - seconds_per_day);
    const auto after = info_at(zone_, local_s + seconds_per_day);
    if (!before || !after) return local_s;
    const std::int64_t earlier = local_s - before->offset.count();
    const auto at_earlier = info_at(zone_, earlier);
    // In an overlap this is the first of the two; in a gap it is past the change, which moves the clock on by the gap's length.
    if (at_earlier && at_earlier->offset == before->offset) return earlier;
    const std::int64_t later = local_s - after->offset.count();
    const auto at_later = info_at(zone_, later);
    return at_later && at_later->offset == after->offset ? later : earlier;
}

}  // namespace fogbank::rules::sql
