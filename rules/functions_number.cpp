// Functions on numbers. Source: reference "rules-sql", section 9.1.

#include <array>
#include <cmath>
#include <limits>

#include "rules/functions.h"
#include "rules/operators.h"

namespace fogbank::rules::sql {
namespace {

/// A double as a Decimal; NaN and infinities are Undefined.
Value from_double(double number, Version version) {
    return std::isfinite(number) ? Value::decimal(Decimal::from_double(number), version) : Value();
}

/// A function of the C++ library on a number in double precision.
template <double (*function)(double)>
Value real(const CallContext& context, Arguments arguments) {
    const auto number = to_decimal(arguments[0]);
    return number ? from_double(function(number->to_double()), context.version) : Value();
}

template <double (*function)(double, double)>
Value real2(const CallContext& context, Arguments arguments) {
    const auto a = to_decimal(arguments[0]);
    const auto b = to_decimal(arguments[1]);
    return a && b ? from_double(function(a->to_double(), b->to_double()), context.version) : Value();
}

/// A result that is whole whatever the argument.
template <Decimal (Decimal::*function)() const>
Value whole(const CallContext&, Arguments arguments) {
    const auto number = to_decimal(arguments[0]);
    return number ? Value::integer(((*number).*function)()) : Value();
}

Value absolute(const CallContext& context, Arguments arguments) {
    const auto number = to_decimal(arguments[0]);
    if (!number) return {};
    const Decimal positive = number->is_negative() ? -*number : *number;
    return arguments[0].kind() == Value::Kind::integer ? Value::integer(positive) : Value::decimal(positive, context.version);
}

Value sign(const CallContext&, Arguments arguments) {
    const auto number = to_decimal(arguments[0]);
    if (!number) return {};
    return Value::integer(number->is_zero() ? 0 : (number->is_negative() ? -1 : 1));
}

Value remainder_of(const CallContext& context, Arguments arguments) {
    return apply_binary(Operator::remainder, arguments[0], arguments[1], context.version);
}

Value truncated(const CallContext& context, Arguments arguments) {
    const auto number = to_decimal(arguments[0]);
    const auto places = clamped_integer(arguments[1], 0, Decimal::sql_digits);
    if (!number || !places) return {};
    const Decimal cut = number->truncate(static_cast<int>(*places));
    // "trailing zeros stripped": trunc(2.00, 5) is 2, in every version.
    return cut.is_integer() ? Value::integer(cut) : Value::decimal(cut, context.version);
}

std::optional<std::int64_t> rounded_down(const Value& value) {
    const auto number = to_decimal(value);
    return number ? number->floor().to_int64() : std::nullopt;
}

enum class Bits { conjunction, disjunction, exclusive };
template <Bits bits>
Value bitwise(const CallContext&, Arguments arguments) {
    const auto a = rounded_down(arguments[0]);
    const auto b = rounded_down(arguments[1]);
    if (!a || !b) return {};
    switch (bits) {
        case Bits::conjunction:
            return Value::integer(*a & *b);
        case Bits::disjunction:
            return Value::integer(*a | *b);
        case Bits::exclusive:
            break;
    }
    return Value::integer(*a ^ *b);
}

Value bit_not(const CallContext&, Arguments arguments) {
    const auto number = rounded_down(arguments[0]);
    return number ? Value::integer(~*number) : Value();
}

/// 53 random bits, as many as a double holds.
Value random_number(const CallContext& context, Arguments) {
    constexpr double scale = 1.0 / 9007199254740992.0;
    return from_double(static_cast<double>(context.environment->random.number() >> 11U) * scale, context.version);
}

Value nanvl(const CallContext&, Arguments arguments) {
    return arguments[0].is_undefined() || arguments[0].is_null() ? arguments[1] : arguments[0];
}

constexpr auto v2015 = Version::v2015_10_08;
constexpr std::array<Function, 29> table{{
    {"abs", 1, 1, v2015, true, false, absolute},
    {"acos", 1, 1, v2015, true, false, real<std::acos>},
    {"asin", 1, 1, v2015, true, false, real<std::asin>},
    {"atan", 1, 1, v2015, true, false, real<std::atan>},
    {"atan2", 2, 2, v2015, true, false, real2<std::atan2>},
    {"bitand", 2, 2, v2015, true, false, bitwise<Bits::conjunction>},
    {"bitnot", 1, 1, v2015, true, false, bit_not},
    {"bitor", 2, 2, v2015, true, false, bitwise<Bits::disjunction>},
    {"bitxor", 2, 2, v2015, true, false, bitwise<Bits::exclusive>},
    {"ceil", 1, 1, v2015, true, false, whole<&Decimal::ceil>},
    {"cos", 1, 1, v2015, true, false, real<std::cos>},
    {"cosh", 1, 1, v2015, true, false, real<std::cosh>},
    {"exp", 1, 1, v2015, true, false, real<std::exp>},
    {"floor", 1, 1, v2015, true, false, whole<&Decimal::floor>},
    {"ln", 1, 1, v2015, true, false, real<std::log>},
    {"log", 1, 1, v2015, true, false, real<std::log10>},
    {"mod", 2, 2, v2015, true, false, remainder_of},
    {"nanvl", 2, 2, v2015, true, false, nanvl},
    {"power", 2, 2, v2015, true, false, real2<std::pow>},
    {"rand", 0, 0, v2015, false, false, random_number},
    {"remainder", 2, 2, v2015, true, false, remainder_of},
    {"round", 1, 1, v2015, true, false, whole<&Decimal::round_half_away_from_zero>},
    {"sign", 1, 1, v2015, true, false, sign},
    {"sin", 1, 1, v2015, true, false, real<std::sin>},
    {"sinh", 1, 1, v2015, true, false, real<std::sinh>},
    {"sqrt", 1, 1, v2015, true, false, real<std::sqrt>},
    {"tan", 1, 1, v2015, true, false, real<std::tan>},
    {"tanh", 1, 1, v2015, true, false, real<std::tanh>},
    {"trunc", 2, 2, v2015, true, false, truncated},
}};

}  // namespace

std::span<const Function> number_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
