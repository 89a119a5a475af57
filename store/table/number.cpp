#include "store/table/detail/number.h"

#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"

namespace fogbank::store::table {
namespace {

Error overflow() {
    return validation("Number overflow. Attempting to store a number with magnitude larger than supported range");
}
Error underflow() {
    return validation("Number underflow. Attempting to store a number with magnitude smaller than supported range");
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t take_digits(std::string_view& rest) {
    std::size_t count = 0;
    while (count < rest.size() && is_digit(rest[count])) ++count;
    rest.remove_prefix(count);
    return count;
}

bool take_one_of(std::string_view& rest, std::string_view choices) {
    if (rest.empty() || choices.find(rest.front()) == std::string_view::npos) return false;
    rest.remove_prefix(1);
    return true;
}

struct Shape {
    bool valid = false;
    bool negative_exponent = false;
};

/// Whether `text` is a number at all, however large: tells "no number" from "out of range" after Decimal has refused it.
Shape shape_of(std::string_view text) {
    Shape shape;
    take_one_of(text, "+-");
    std::size_t digits = take_digits(text);
    if (take_one_of(text, ".")) digits += take_digits(text);
    if (digits == 0) return shape;
    if (take_one_of(text, "eE")) {
        shape.negative_exponent = text.starts_with('-');
        take_one_of(text, "+-");
        if (take_digits(text) == 0) return shape;
    }
    shape.valid = text.empty();
    return shape;
}

}  // namespace

Result<Decimal> parse_number(std::string_view text) {
    if (const auto number = Decimal::parse(text)) {
        if (auto checked = check_number(*number); !checked) return checked.error();
        return *number;
    }
    const Shape shape = shape_of(text);
    if (!shape.valid) {
        const std::string what = "The parameter cannot be converted to a numeric value";
        return validation(text.empty() ? what : what + ": " + std::string(text.substr(0, 200)));
    }
    if (Decimal::parse_rounded(text)) return validation("Attempting to store more than 38 significant digits in a Number");
    return shape.negative_exponent ? underflow() : overflow();
}

Result<void> check_number(const Decimal& number) {
    if (number.is_zero()) return {};
    const int magnitude = number.magnitude();
    if (magnitude > number_magnitude_max) return overflow();
    if (magnitude < number_magnitude_min) return underflow();
    return {};
}

}  // namespace fogbank::store::table
