/// The pattern of java.time.DateTimeFormatter as a list of elements; used by parse_java_time. Source: JDK 11, DateTimeFormatterBuilder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fogbank::rules::sql::java_time {

enum class Field : std::uint8_t {
    era,
    year,
    year_of_era,
    quarter,
    month,
    week,
    week_year,
    week_of_month,
    day_of_year,
    day,
    day_of_week,
    half_day,
    hour,
    clock_hour,
    half_day_hour,
    half_day_clock_hour,
    minute,
    second,
    nano,
    milli_of_day,
    nano_of_day,
    count_,
};
inline constexpr std::size_t fields_count = static_cast<std::size_t>(Field::count_);

enum class Sign : std::uint8_t { normal, not_negative, exceeds_pad };

struct Element {
    enum class Kind : std::uint8_t {
        literal,
        number,
        two_digit_year,
        fraction,
        text,
        offset,
        localized_offset,
        zone_id,
        zone_name,
        optional_begin,
        optional_end,
    };
    Kind kind = Kind::literal;
    Field field = Field::year;
    Sign sign = Sign::normal;
    std::size_t width_min = 0, width_max = 0;
    std::size_t reserved = 0;  ///< digits that the numbers right behind this one need
    std::size_t letters = 0;   ///< how often the pattern repeats its letter
    std::string literal;       ///< a literal's text; an offset's text for zero
    std::size_t padding = 0;   ///< width that `p` asks for; 0: none
    std::size_t partner = 0;   ///< of optional_begin: index of its optional_end
};

/// Nothing for a pattern that the JDK refuses.
std::optional<std::vector<Element>> compile_pattern(std::string_view pattern);

}  // namespace fogbank::rules::sql::java_time
