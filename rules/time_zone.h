/// Dates, zones and their names for parse_time and time_to_epoch. Proleptic Gregorian calendar, zones from the system's tz database.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fogbank::rules::sql {

/// A day in the calendar; `month` 1 to 12, `day` from 1.
struct CivilDate {
    std::int64_t year = 1970;
    int month = 1, day = 1;
};
/// Days since 1970-01-01. Years within ±10^9.
std::int64_t days_from_civil(const CivilDate& date);
CivilDate civil_from_days(std::int64_t days);
bool is_leap_year(std::int64_t year);
int days_of_month(std::int64_t year, int month);
/// 1 is Monday, 7 is Sunday.
int day_of_week(std::int64_t days);
/// a / b rounded toward minus infinity, and what remains (never negative); b > 0.
std::int64_t floor_divide(std::int64_t a, std::int64_t b);
std::int64_t floor_modulo(std::int64_t a, std::int64_t b);

inline constexpr std::array<std::string_view, 12> month_names{"January", "February", "March",     "April",   "May",      "June",
                                                              "July",    "August",   "September", "October", "November", "December"};
inline constexpr std::array<std::string_view, 7> day_names{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
inline constexpr std::size_t short_name_bytes = 3;

struct ZoneMoment {
    std::int64_t offset_s = 0;  ///< east of Greenwich
    std::string short_name;     ///< `CST`; `+03:00` where the database has no letters
    std::string long_name;      ///< `Central Standard Time`; the offset where unknown
};

/// A zone of the database or a fixed offset. Cheap to copy.
class TimeZone {
  public:
    static TimeZone utc() { return {}; }
    static TimeZone fixed(std::int64_t offset_s);
    /// A region such as `Europe/Paris`, in the database's spelling; `UTC`, `GMT` and `UT` too.
    static std::optional<TimeZone> region(std::string_view name);
    /// A name people write for a zone: `PST`, `CEST`, `Central European Time`.
    static std::optional<TimeZone> by_display_name(std::string_view name);

    const std::string& id() const { return id_; }
    ZoneMoment at(std::int64_t epoch_s) const;
    /// Local time to UTC: in a gap the time moves on by its length, of two the earlier counts, as in java.time.
    std::int64_t to_utc(std::int64_t local_s) const;

  private:
    const void* zone_ = nullptr;  ///< a date::time_zone, which lives as long as the process
    std::int64_t offset_s_ = 0;
    std::string id_ = "UTC";
};

/// `+01:00`, with seconds if there are any.
std::string offset_text(std::int64_t offset_s, bool with_colon);

/// A Joda-Time pattern (DateTimeFormat). Nothing for a pattern that it does not know. Source: Joda-Time, class DateTimeFormat.
std::optional<std::string> format_joda(std::string_view pattern, std::int64_t epoch_ms, const TimeZone& zone);

/// A java.time pattern (DateTimeFormatter, JDK 11, English, smart): milliseconds since the epoch; UTC where the text names no zone,
/// midnight where it names no time. Nothing for an unknown pattern or text that does not fit. Source: JDK 11, class DateTimeFormatter.
std::optional<std::int64_t> parse_java_time(std::string_view text, std::string_view pattern);

/// Longest pattern of either kind. Fogbank's own bound.
inline constexpr std::size_t time_pattern_bytes_max = 256;

}  // namespace fogbank::rules::sql
