// Reading text by a java.time pattern (declared in rules/time_zone.h).

#include <algorithm>
#include <array>

#include "rules/java_time.h"
#include "rules/time_zone.h"

namespace fogbank::rules::sql {
namespace {

using namespace java_time;
using Kind = Element::Kind;

constexpr std::int64_t seconds_per_day = 86'400, nanos_per_second = 1'000'000'000;
constexpr std::int64_t year_max = 250'000;  ///< keeps all arithmetic far from overflow; the JDK's own bound is 999,999,999
constexpr std::int64_t two_digit_base = 2000;

/// What has been read so far.
struct Parsed {
    std::array<std::optional<std::int64_t>, fields_count> fields;
    std::optional<std::int64_t> offset_s;
    std::optional<TimeZone> zone;

    std::optional<std::int64_t> get(Field field) const { return fields[static_cast<std::size_t>(field)]; }
    /// False if the field was read before with another value.
    bool set(Field field, std::int64_t value) {
        auto& place = fields[static_cast<std::size_t>(field)];
        if (place && *place != value) return false;
        place = value;
        return true;
    }
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

class Reader {
  public:
    Reader(const std::vector<Element>& elements, std::string_view text) : elements_(elements), text_(text) {}

    bool run() { return section(0, elements_.size()) && at_ == text_.size(); }
    const Parsed& parsed() const { return parsed_; }

  private:
    std::string_view rest() const { return text_.substr(at_); }

    /// Elements from `begin` to before `end`. An optional section that does not fit is as if it were not there.
    bool section(std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const Element& element = elements_[i];
            if (element.kind != Kind::optional_begin) {
                if (!padded(element)) return false;
                continue;
            }
            const std::size_t at = at_;
            const Parsed before = parsed_;
            if (!section(i + 1, element.partner)) {
                at_ = at;
                parsed_ = before;
            }
            i = element.partner;
        }
        return true;
    }

    /// `p`: the text stands right-aligned in a field of that width.
    bool padded(const Element& element) {
        if (element.padding == 0) return one(element);
        if (rest().size() < element.padding) return false;
        const std::size_t end = at_ + element.padding;
        const std::string_view whole = text_;
        text_ = text_.substr(0, end);
        while (at_ < end && text_[at_] == ' ') ++at_;
        const bool good = one(element) && at_ == end;
        text_ = whole;
        return good;
    }

    bool one(const Element& element) {
        switch (element.kind) {
            case Kind::literal:
                return take(element.literal);
            case Kind::number:
                return number(element);
            case Kind::two_digit_year:
            case Kind::fraction:
                return fixed(element);
            case Kind::text:
                return name(element);
            case Kind::offset:
                return offset(element);
            case Kind::localized_offset:
                return localized_offset();
            case Kind::zone_id:
                return zone(false);
            case Kind::zone_name:
                return zone(true);
            case Kind::optional_begin:
            case Kind::optional_end:
                break;
        }
        return true;
    }

    bool take(std::string_view text) {
        if (!rest().starts_with(text)) return false;
        at_ += text.size();
        return true;
    }

    std::size_t digits_here(std::size_t most) const {
        std::size_t count = 0;
        while (count < most && at_ + count < text_.size() && is_digit(text_[at_ + count])) ++count;
        return count;
    }

    /// Takes `count` digits; nothing if they are too many for any field.
    std::optional<std::int64_t> take_digits(std::size_t count) {
        std::int64_t value = 0;
        for (const char c : text_.substr(at_, count)) {
            if (value > (INT64_MAX - 9) / 10) return std::nullopt;
            value = value * 10 + (c - '0');
        }
        at_ += count;
        return value;
    }

    bool number(const Element& element) {
        const bool negative = rest().starts_with('-');
        const bool positive = rest().starts_with('+');
        if ((negative && element.sign == Sign::not_negative) || (positive && element.sign != Sign::exceeds_pad)) return false;
        if (negative || positive) ++at_;
        std::size_t count = digits_here(element.width_max + element.reserved);
        if (element.reserved > 0) count = std::max(element.width_min, count - std::min(count, element.reserved));
        count = std::min(count, element.width_max);
        if (count < element.width_min || digits_here(count) < count) return false;
        // `yyyy`: more digits than letters need a sign, and a sign more digits.
        if (element.sign == Sign::exceeds_pad &&
            ((positive && count <= element.width_min) || (!positive && !negative && count > element.width_min)))
            return false;
        const auto value = take_digits(count);
        if (!value || (negative && *value == 0)) return false;
        return parsed_.set(element.field, negative ? -*value : *value);
    }

    bool fixed(const Element& element) {
        if (digits_here(element.width_max) < element.width_max) return false;
        std::int64_t value = *take_digits(element.width_max);
        if (element.kind == Kind::two_digit_year) return parsed_.set(element.field, two_digit_base + value);
        for (std::size_t i = element.width_max; i < 9; ++i) value *= 10;
        return parsed_.set(Field::nano, value);
    }

    template <std::size_t size>
    bool one_of(const std::array<std::string_view, size>& names, std::size_t letters, Field field, std::int64_t first) {
        for (std::size_t i = 0; i < size; ++i) {
            const std::string_view name = letters >= 4 ? names[i] : names[i].substr(0, short_name_bytes);
            if (take(name)) return parsed_.set(field, first + static_cast<std::int64_t>(i));
        }
        return false;
    }

    bool name(const Element& element) {
        constexpr std::array<std::string_view, 2> eras{"BC", "AD"}, long_eras{"Before Christ", "Anno Domini"}, half_days{"AM", "PM"};
        constexpr std::array<std::string_view, 4> quarters{"Q1", "Q2", "Q3", "Q4"};
        constexpr std::array<std::string_view, 4> long_quarters{"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
        if (element.letters == 5) return false;  // one-letter names are ambiguous, the JDK cannot read them back either
        switch (element.field) {
            case Field::month:
                return one_of(month_names, element.letters, Field::month, 1);
            case Field::day_of_week:
                return one_of(day_names, element.letters, Field::day_of_week, 1);
            case Field::era:
                return one_of(element.letters == 4 ? long_eras : eras, 4, Field::era, 0);
            case Field::half_day:
                return one_of(half_days, 4, Field::half_day, 0);
            default:
                return one_of(element.letters == 4 ? long_quarters : quarters, 4, Field::quarter, 1);
        }
    }

    /// Two digits up to `most`.
    bool two_digits(std::int64_t most, std::int64_t& out) {
        if (digits_here(2) < 2) return false;
        out = *take_digits(2);
        return out <= most;
    }

    /// X and x with `letters`: 1 `+hh[mm]`, 2 `+hhmm`, 3 `+hh:mm`, 4 `+hhmm[ss]`, 5 `+hh:mm[:ss]`.
    bool offset_digits(std::size_t letters, std::int64_t& out) {
        if (!rest().starts_with('+') && !rest().starts_with('-')) return false;
        const bool negative = text_[at_++] == '-';
        const bool colons = letters == 3 || letters == 5;
        std::int64_t hours = 0;
        std::int64_t minutes = 0;
        std::int64_t seconds = 0;
        if (!two_digits(18, hours)) return false;
        const bool more = letters != 1 || digits_here(2) == 2;
        if (more && ((colons && !take(":")) || !two_digits(59, minutes))) return false;
        if (letters >= 4 && (colons ? rest().starts_with(':') : digits_here(2) == 2)) {
            if ((colons && !take(":")) || !two_digits(59, seconds)) return false;
        }
        out = hours * 3600 + minutes * 60 + seconds;
        if (negative) out = -out;
        return true;
    }

    bool set_offset(std::int64_t offset_s) {
        if (parsed_.offset_s && *parsed_.offset_s != offset_s) return false;
        parsed_.offset_s = offset_s;
        return true;
    }

    bool offset(const Element& element) {
        if (element.literal == "Z" && take("Z")) return set_offset(0);
        std::int64_t offset_s = 0;
        return offset_digits(element.letters, offset_s) && set_offset(offset_s);
    }

    /// `GMT`, `GMT+8`, `GMT+08:00`.
    bool localized_offset() {
        if (!take("GMT")) return false;
        if (!rest().starts_with('+') && !rest().starts_with('-')) return set_offset(0);
        const bool negative = text_[at_++] == '-';
        const std::size_t count = digits_here(2);
        if (count == 0) return false;
        const std::int64_t hours = *take_digits(count);
        std::int64_t minutes = 0;
        if (hours > 18 || (take(":") && !two_digits(59, minutes))) return false;
        const std::int64_t offset_s = hours * 3600 + minutes * 60;
        return set_offset(negative ? -offset_s : offset_s);
    }

    /// The offset that may follow `UTC`, `GMT` or `UT`, or stand alone: `+h`, `+hh`, `+hh:mm`, `+hhmm`, each with seconds.
    bool prefixed_offset(std::int64_t& out) {
        if (!rest().starts_with('+') && !rest().starts_with('-')) {
            out = 0;
            return true;
        }
        const std::size_t at = at_;
        for (const std::size_t letters : {std::size_t{5}, std::size_t{4}, std::size_t{1}}) {
            at_ = at;
            if (offset_digits(letters, out)) return true;
        }
        at_ = at;
        return false;
    }

    bool set_zone(TimeZone zone) {
        parsed_.zone = std::move(zone);
        return true;
    }

    /// A zone's id, or for `z` its name.
    bool zone(bool names) {
        if (rest().starts_with('+') || rest().starts_with('-')) {
            std::int64_t offset_s = 0;
            return prefixed_offset(offset_s) && set_zone(TimeZone::fixed(offset_s));
        }
        if ((names && display_name()) || region()) return true;
        for (const std::string_view prefix : {"UTC", "GMT", "UT"}) {
            if (!take(prefix)) continue;
            std::int64_t offset_s = 0;
            return prefixed_offset(offset_s) && set_zone(TimeZone::fixed(offset_s));
        }
        return take("Z") && set_zone(TimeZone::utc());
    }

    /// The longest region that stands here. `UTC+01:00` is no region, and its prefix must not be taken for one.
    bool region() {
        const std::string_view allowed = rest().substr(0, rest().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                                                   "0123456789/_+-"));
        for (std::size_t size = std::min<std::size_t>(allowed.size(), 40); size > 2; --size) {
            if (size == 3 && (allowed.starts_with("UTC") || allowed.starts_with("GMT"))) continue;
            if (auto found = TimeZone::region(allowed.substr(0, size))) {
                at_ += size;
                return set_zone(std::move(*found));
            }
        }
        return false;
    }

    bool display_name() {
        for (std::size_t size = std::min<std::size_t>(rest().size(), 40); size > 2; --size) {
            if (auto found = TimeZone::by_display_name(rest().substr(0, size))) {
                at_ += size;
                return set_zone(std::move(*found));
            }
        }
        return false;
    }

    const std::vector<Element>& elements_;
    std::string_view text_;
    std::size_t at_ = 0;
    Parsed parsed_;
};

bool within(std::int64_t value, std::int64_t least, std::int64_t most) {
    return value >= least && value <= most;
}

std::optional<std::int64_t> year_of(const Parsed& parsed) {
    auto year = parsed.get(Field::year);
    if (const auto of_era = parsed.get(Field::year_of_era)) {
        if (*of_era < 1 && parsed.get(Field::era)) return std::nullopt;
        const bool before_christ = parsed.get(Field::era) == std::int64_t{0};
        const std::int64_t given = before_christ ? 1 - *of_era : *of_era;
        if (year && *year != given) return std::nullopt;
        year = given;
    }
    if (!year || !within(*year, -year_max, year_max)) return std::nullopt;
    return year;
}

/// Days since 1970-01-01. A day that the month does not have becomes its last one ("smart").
std::optional<std::int64_t> date_of(const Parsed& parsed) {
    const auto year = year_of(parsed);
    if (!year) return std::nullopt;
    CivilDate date;
    date.year = *year;
    std::optional<std::int64_t> days;
    const auto month = parsed.get(Field::month);
    const auto day = parsed.get(Field::day);
    if (month && day) {
        if (!within(*month, 1, 12) || !within(*day, 1, 31)) return std::nullopt;
        date.month = static_cast<int>(*month);
        date.day = std::min(static_cast<int>(*day), days_of_month(*year, date.month));
        days = days_from_civil(date);
    }
    if (const auto day_of_year = parsed.get(Field::day_of_year)) {
        if (!within(*day_of_year, 1, is_leap_year(*year) ? 366 : 365)) return std::nullopt;
        CivilDate first;
        first.year = *year;
        const std::int64_t counted = days_from_civil(first) + *day_of_year - 1;
        if (days && *days != counted) return std::nullopt;
        days = counted;
    }
    if (!days) return std::nullopt;
    const auto day_name = parsed.get(Field::day_of_week);
    if (day_name && *day_name != day_of_week(*days)) return std::nullopt;
    const auto quarter = parsed.get(Field::quarter);
    if (quarter && *quarter != (civil_from_days(*days).month + 2) / 3) return std::nullopt;
    return days;
}

/// The hour from whichever of its fields were read; 24 stands for the end of the day. Nothing if they contradict each other.
std::optional<std::int64_t> hour_of(const Parsed& parsed) {
    std::optional<std::int64_t> hour = parsed.get(Field::hour);
    const auto agree = [&](std::int64_t given) {
        if (hour && *hour != given) return false;
        hour = given;
        return true;
    };
    if (const auto clock = parsed.get(Field::clock_hour)) {
        if (!within(*clock, 1, 24) || !agree(*clock % 24)) return std::nullopt;
    }
    auto half = parsed.get(Field::half_day_hour);
    if (half && !within(*half, 0, 11)) return std::nullopt;
    if (const auto clock = parsed.get(Field::half_day_clock_hour)) {
        if (!within(*clock, 1, 12) || (half && *half != *clock % 12)) return std::nullopt;
        half = *clock % 12;
    }
    if (half) {
        const auto which = parsed.get(Field::half_day);
        if (!which || !agree(*which * 12 + *half)) return std::nullopt;
    }
    return hour.value_or(0);
}

/// Nanoseconds of the day; all of it for 24:00.
std::optional<std::int64_t> time_of(const Parsed& parsed) {
    if (const auto nanos = parsed.get(Field::nano_of_day))
        return within(*nanos, 0, seconds_per_day * nanos_per_second - 1) ? nanos : std::nullopt;
    if (const auto millis = parsed.get(Field::milli_of_day))
        return within(*millis, 0, seconds_per_day * 1000 - 1) ? std::optional(*millis * 1'000'000) : std::nullopt;
    const auto hour = hour_of(parsed);
    const std::int64_t minute = parsed.get(Field::minute).value_or(0);
    const std::int64_t second = parsed.get(Field::second).value_or(0);
    const std::int64_t nano = parsed.get(Field::nano).value_or(0);
    if (!hour || !within(*hour, 0, 24) || !within(minute, 0, 59) || !within(second, 0, 59) || !within(nano, 0, nanos_per_second - 1))
        return std::nullopt;
    if (*hour == 24 && (minute != 0 || second != 0 || nano != 0)) return std::nullopt;
    return ((*hour * 60 + minute) * 60 + second) * nanos_per_second + nano;
}

}  // namespace

std::optional<std::int64_t> parse_java_time(std::string_view text, std::string_view pattern) {
    const auto elements = compile_pattern(pattern);
    if (!elements || text.size() > 4 * time_pattern_bytes_max) return std::nullopt;
    Reader reader(*elements, text);
    if (!reader.run()) return std::nullopt;
    const Parsed& parsed = reader.parsed();
    const auto days = date_of(parsed);
    const auto nanos = time_of(parsed);
    if (!days || !nanos) return std::nullopt;
    const std::int64_t local_s = *days * seconds_per_day + *nanos / nanos_per_second;
    std::int64_t epoch_s = local_s;
    if (parsed.offset_s) {
        epoch_s = local_s - *parsed.offset_s;
    } else if (parsed.zone) {
        epoch_s = parsed.zone->to_utc(local_s);
    }
    return epoch_s * 1000 + *nanos % nanos_per_second / 1'000'000;
}

}  // namespace fogbank::rules::sql
