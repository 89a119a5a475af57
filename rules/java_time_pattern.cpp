#include <algorithm>
#include <array>
#include <utility>

#include "rules/java_time.h"
#include "rules/time_zone.h"

namespace fogbank::rules::sql::java_time {
namespace {

constexpr std::size_t number_digits_max = 19;

using Kind = Element::Kind;

struct NumberLetter {
    char letter;
    Field field;
    std::size_t letters_max;
};
/// One letter: any number of digits; two: exactly two.
constexpr std::array number_letters{
    NumberLetter{'d', Field::day, 2},    NumberLetter{'H', Field::hour, 2},          NumberLetter{'k', Field::clock_hour, 2},
    NumberLetter{'m', Field::minute, 2}, NumberLetter{'K', Field::half_day_hour, 2}, NumberLetter{'h', Field::half_day_clock_hour, 2},
    NumberLetter{'s', Field::second, 2}, NumberLetter{'w', Field::week, 2},          NumberLetter{'W', Field::week_of_month, 1},
};

class Compiler {
  public:
    explicit Compiler(std::string_view pattern) : rest_(pattern) {}

    std::optional<std::vector<Element>> run() {
        while (!rest_.empty()) {
            if (!step()) return std::nullopt;
        }
        // An optional section that is left open ends with the pattern.
        while (!open_.empty()) close();
        if (padding_ != 0) return std::nullopt;
        return std::move(elements_);
    }

  private:
    bool step() {
        const char c = rest_[0];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            const std::size_t count = std::min(rest_.find_first_not_of(c), rest_.size());
            rest_.remove_prefix(count);
            return letter(c, count);
        }
        if (c == '\'') return quoted();
        rest_.remove_prefix(1);
        if (c == '[') {
            open_.push_back(elements_.size());
            add(Kind::optional_begin);
            return true;
        }
        if (c == ']') return !open_.empty() && (close(), true);
        if (c == '{' || c == '}' || c == '#') return false;
        literal(std::string(1, c));
        return true;
    }

    void close() {
        elements_[open_.back()].partner = elements_.size();
        open_.pop_back();
        add(Kind::optional_end);
    }

    bool quoted() {
        std::string text;
        rest_.remove_prefix(1);
        while (!rest_.empty()) {
            const bool two = rest_.starts_with("''");
            if (rest_[0] == '\'' && !two) {
                rest_.remove_prefix(1);
                literal(text.empty() ? "'" : text);
                return true;
            }
            text += rest_[0];
            rest_.remove_prefix(two ? 2 : 1);
        }
        return false;
    }

    Element& add(Kind kind) {
        value_run_.reset();
        Element& element = elements_.emplace_back();
        element.kind = kind;
        element.padding = std::exchange(padding_, 0);
        return element;
    }
    void literal(std::string text) { add(Kind::literal).literal = std::move(text); }

    /// A number of fixed width behind other numbers reserves its digits with the first of them ("adjacent value parsing").
    void number(Kind kind, Field field, std::size_t width_min, std::size_t width_max, Sign sign) {
        const auto run = value_run_;
        Element& element = add(kind);
        element.field = field;
        element.width_min = width_min;
        element.width_max = width_max;
        element.sign = sign;
        const std::size_t index = elements_.size() - 1;
        const bool fixed = width_min == width_max && sign == Sign::not_negative;
        if (run && fixed && element.padding == 0) {
            elements_[*run].reserved += width_max;
            value_run_ = run;
        } else {
            value_run_ = index;
        }
    }

    bool text(Field field, std::size_t count) {
        if (count > 5) return false;
        Element& element = add(Kind::text);
        element.field = field;
        element.letters = count;
        return true;
    }

    bool letter(char c, std::size_t count) {
        const auto plain = std::find_if(number_letters.begin(), number_letters.end(), [c](const auto& row) { return row.letter == c; });
        if (plain != number_letters.end()) {
            if (count > plain->letters_max) return false;
            const bool two = count == 2;
            number(Kind::number, plain->field, count, two ? 2 : number_digits_max, two ? Sign::not_negative : Sign::normal);
            return true;
        }
        return date_letter(c, count) || time_letter(c, count) || zone_letter(c, count);
    }

    void year(Field field, std::size_t count) {
        if (count == 2) return number(Kind::two_digit_year, field, 2, 2, Sign::not_negative);
        number(Kind::number, field, count, number_digits_max, count < 4 ? Sign::normal : Sign::exceeds_pad);
    }

    bool text_or_number(Field field, std::size_t count) {
        if (count > 2) return text(field, count);
        number(Kind::number, field, count, count == 2 ? 2 : number_digits_max, count == 2 ? Sign::not_negative : Sign::normal);
        return true;
    }

    bool date_letter(char c, std::size_t count) {
        switch (c) {
            case 'G':
                return text(Field::era, count);
            case 'u':
            case 'y':
            case 'Y':
                if (count > number_digits_max) return false;
                year(c == 'u' ? Field::year : c == 'y' ? Field::year_of_era : Field::week_year, count);
                return true;
            case 'M':
            case 'L':
                return text_or_number(Field::month, count);
            case 'Q':
            case 'q':
                return text_or_number(Field::quarter, count);
            case 'D':
                if (count > 3) return false;
                number(Kind::number, Field::day_of_year, count, count == 1 ? number_digits_max : 3,
                       count == 1 ? Sign::normal : Sign::not_negative);
                return true;
            case 'E':
                return text(Field::day_of_week, count);
            case 'e':
            case 'c':
                // The number of the day in the week depends on the locale; only the names are read.
                return count > 2 && text(Field::day_of_week, count);
            default:
                return false;
        }
    }

    bool time_letter(char c, std::size_t count) {
        switch (c) {
            case 'a':
                return count == 1 && text(Field::half_day, 1);
            case 'S':
                if (count > 9) return false;
                number(Kind::fraction, Field::nano, count, count, Sign::not_negative);
                return true;
            case 'n':
            case 'N':
            case 'A':
                if (count > number_digits_max) return false;
                number(Kind::number,
                       c == 'n'   ? Field::nano
                       : c == 'N' ? Field::nano_of_day
                                  : Field::milli_of_day,
                       count, number_digits_max, Sign::not_negative);
                return true;
            case 'p':
                if (rest_.empty() || padding_ != 0) return false;
                padding_ = count;
                return true;
            default:
                return false;
        }
    }

    bool zone_letter(char c, std::size_t count) {
        switch (c) {
            case 'V':
                if (count != 2) return false;
                add(Kind::zone_id);
                return true;
            case 'z':
                if (count > 4) return false;
                add(Kind::zone_name);
                return true;
            case 'O':
                if (count != 1 && count != 4) return false;
                add(Kind::localized_offset);
                return true;
            case 'Z':
                return offset_z(count);
            case 'X':
            case 'x': {
                if (count > 5) return false;
                Element& element = add(Kind::offset);
                element.letters = count;
                element.literal = c == 'X' ? "Z" : count == 1 ? "+00" : count % 2 == 0 ? "+0000" : "+00:00";
                return true;
            }
            default:
                return false;
        }
    }

    bool offset_z(std::size_t count) {
        if (count > 5) return false;
        if (count == 4) {
            add(Kind::localized_offset);
            return true;
        }
        Element& element = add(Kind::offset);
        element.letters = count == 5 ? 5 : 2;
        element.literal = count == 5 ? "Z" : "+0000";
        return true;
    }

    std::string_view rest_;
    std::vector<Element> elements_;
    std::vector<std::size_t> open_;
    std::optional<std::size_t> value_run_;  ///< the first of the numbers that stand directly before this place
    std::size_t padding_ = 0;
};

}  // namespace

std::optional<std::vector<Element>> compile_pattern(std::string_view pattern) {
    if (pattern.size() > time_pattern_bytes_max) return std::nullopt;
    return Compiler(pattern).run();
}

}  // namespace fogbank::rules::sql::java_time
