#include "common/decimal.h"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "tests/support/cases.h"

namespace fogbank {
namespace {

using boost::multiprecision::cpp_int;
using testing::Case;

Decimal decimal(std::string_view text) {
    const auto value = Decimal::parse(text);
    EXPECT_TRUE(value) << text;
    return value.value_or(Decimal());
}

class DecimalText : public ::testing::TestWithParam<Case> {};

TEST_P(DecimalText, AgreesWithTheCase) {
    const auto& c = GetParam().data;
    const auto in = c["in"].get<std::string>();
    const auto value = Decimal::parse(in);
    ASSERT_EQ(value.has_value(), !c.value("refused", false));
    const auto rounded = Decimal::parse_rounded(in);
    if (!value) {
        ASSERT_EQ(rounded.has_value(), c.contains("rounded"));
        if (rounded) {
            EXPECT_EQ(rounded->to_string(), c["rounded"].get<std::string>());
        }
        return;
    }
    EXPECT_EQ(rounded, value);
    const auto string = c["string"].get<std::string>();
    EXPECT_EQ(value->to_string(), string);
    if (string.find('E') == std::string::npos || c.contains("plain")) {
        EXPECT_EQ(value->to_plain_string(), c.value("plain", string));
    }
    EXPECT_EQ(Decimal::parse(value->to_string()), value);
    EXPECT_EQ(Decimal::parse(value->to_plain_string()), value);
}
INSTANTIATE_TEST_SUITE_P(Cases, DecimalText, ::testing::ValuesIn(testing::load_cases("decimal/text.json")), testing::NameOfCase());

// ---- The oracle: exact fractions of unbounded integers. ----

cpp_int power_of_ten(int exponent) {
    cpp_int result = 1;
    for (int i = 0; i < exponent; ++i) result *= 10;
    return result;
}

/// coefficient * 10^exponent.
struct Exact {
    cpp_int coefficient;
    int exponent = 0;

    std::string text() const { return coefficient.str() + "e" + std::to_string(exponent); }
};
int compare(const Exact& a, const Exact& b) {
    const int low = std::min(a.exponent, b.exponent);
    const cpp_int left = a.coefficient * power_of_ten(a.exponent - low);
    const cpp_int right = b.coefficient * power_of_ten(b.exponent - low);
    return left.compare(right);
}
Exact sum(const Exact& a, const Exact& b) {
    const int low = std::min(a.exponent, b.exponent);
    return {a.coefficient * power_of_ten(a.exponent - low) + b.coefficient * power_of_ten(b.exponent - low), low};
}
/// numerator / denominator * 10^exponent, rounded half to even to `digits` digits.
Exact rounded(cpp_int numerator, cpp_int denominator, int exponent, int digits) {
    if (numerator == 0) return {0, 0};
    const bool negative = (numerator < 0) != (denominator < 0);
    numerator = abs(numerator);
    denominator = abs(denominator);
    while (numerator < denominator * power_of_ten(digits)) {
        numerator *= 10;
        --exponent;
    }
    while (numerator >= denominator * power_of_ten(digits)) {
        denominator *= 10;
        ++exponent;
    }
    cpp_int quotient = numerator / denominator;
    const cpp_int twice_rest = (numerator % denominator) * 2;
    if (twice_rest > denominator || (twice_rest == denominator && quotient % 2 != 0)) ++quotient;
    return {negative ? cpp_int(-quotient) : quotient, exponent};
}
Exact rounded(const Exact& value, int digits) {
    return rounded(value.coefficient, 1, value.exponent, digits);
}

class Generator {
  public:
    explicit Generator(unsigned seed) : engine_(seed) {}
    int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
    /// 0 to 38 digits; often few, often all nines or a one with zeros, so that carries and ties occur.
    Exact exact(int exponent_bound) {
        const int digits = number(0, 3) == 0 ? number(0, 3) : number(1, 38);
        cpp_int coefficient = 0;
        const int shape = number(0, 5);
        for (int i = 0; i < digits; ++i) {
            int digit = number(0, 9);
            if (shape == 0) digit = 9;
            if (shape == 1) digit = i == 0 ? 1 : 0;
            if (shape == 2) digit = i + 1 == digits ? 5 : digit;
            coefficient = coefficient * 10 + digit;
        }
        if (number(0, 1) != 0) coefficient = -coefficient;
        return {coefficient, number(-exponent_bound, exponent_bound)};
    }

  private:
    std::mt19937 engine_;
};

constexpr int rounds = 4000;
constexpr int exponent_spread = 50;

TEST(DecimalArithmetic, SumsAndDifferencesAreTheExactOnesRounded) {
    Generator random(1);
    for (int i = 0; i < rounds; ++i) {
        const Exact a = random.exact(exponent_spread);
        const Exact b = random.exact(i % 2 == 0 ? 3 : exponent_spread);
        const int digits = i % 3 == 0 ? 34 : random.number(1, 38);
        const Decimal da = decimal(a.text());
        const Decimal db = decimal(b.text());
        ASSERT_EQ(Decimal::add(da, db, digits), decimal(rounded(sum(a, b), digits).text()))
            << a.text() << " + " << b.text() << " to " << digits;
        const Exact difference = sum(a, {-b.coefficient, b.exponent});
        ASSERT_EQ(Decimal::subtract(da, db, digits), decimal(rounded(difference, digits).text())) << a.text() << " - " << b.text();
        const Exact at_38 = rounded(sum(a, b), 38);
        const bool exact = compare(at_38, sum(a, b)) == 0;
        ASSERT_EQ(Decimal::add_exact(da, db), exact ? std::optional(decimal(at_38.text())) : std::nullopt) << a.text() << " + " << b.text();
    }
}

TEST(DecimalArithmetic, ProductsAndQuotientsAreTheExactOnesRounded) {
    Generator random(2);
    for (int i = 0; i < rounds; ++i) {
        const Exact a = random.exact(exponent_spread);
        const Exact b = random.exact(exponent_spread);
        const int digits = i % 3 == 0 ? 38 : random.number(1, 38);
        const Decimal da = decimal(a.text());
        const Decimal db = decimal(b.text());
        const Exact product{a.coefficient * b.coefficient, a.exponent + b.exponent};
        ASSERT_EQ(Decimal::multiply(da, db, digits), decimal(rounded(product, digits).text()))
            << a.text() << " * " << b.text() << " to " << digits;
        if (b.coefficient == 0) {
            ASSERT_FALSE(Decimal::divide(da, db, digits));
            continue;
        }
        const Exact quotient = rounded(a.coefficient, b.coefficient, a.exponent - b.exponent, digits);
        ASSERT_EQ(Decimal::divide(da, db, digits), decimal(quotient.text())) << a.text() << " / " << b.text() << " to " << digits;
    }
}

TEST(DecimalArithmetic, RemainderIsExact) {
    Generator random(3);
    for (int i = 0; i < rounds; ++i) {
        const Exact a = random.exact(exponent_spread);
        const Exact b = random.exact(exponent_spread);
        const auto result = Decimal::remainder(decimal(a.text()), decimal(b.text()));
        ASSERT_EQ(result.has_value(), b.coefficient != 0);
        if (!result) continue;
        const int low = std::min(a.exponent, b.exponent);
        const cpp_int rest = (a.coefficient * power_of_ten(a.exponent - low)) % (b.coefficient * power_of_ten(b.exponent - low));
        ASSERT_EQ(*result, decimal(Exact{rest, low}.text())) << a.text() << " mod " << b.text();
    }
}

TEST(DecimalOrder, ComparesAndSortsAsNumbers) {
    Generator random(4);
    for (int i = 0; i < rounds; ++i) {
        const Exact a = random.exact(i % 2 == 0 ? 2 : 150);
        Exact b = random.exact(i % 2 == 0 ? 2 : 150);
        if (i % 5 == 0) b = {a.coefficient + random.number(-1, 1), a.exponent};  // neighbours
        if (b.coefficient >= power_of_ten(38) || b.coefficient <= -power_of_ten(38)) continue;
        const Decimal da = decimal(a.text());
        const Decimal db = decimal(b.text());
        const int order = compare(a, b);
        ASSERT_EQ(da < db, order < 0) << a.text() << " " << b.text();
        ASSERT_EQ(da == db, order == 0) << a.text() << " " << b.text();
        ASSERT_EQ(da.sortable_bytes().compare(db.sortable_bytes()) < 0, order < 0) << a.text() << " " << b.text();
        ASSERT_EQ(da.sortable_bytes() == db.sortable_bytes(), order == 0) << a.text() << " " << b.text();
    }
}

TEST(DecimalSortableBytes, ReadBackAndDelimitThemselves) {
    Generator random(5);
    for (int i = 0; i < rounds; ++i) {
        const Decimal a = decimal(random.exact(i % 2 == 0 ? 40 : 900'000).text());
        const std::string bytes = a.sortable_bytes();
        ASSERT_LE(bytes.size(), 24U);
        const std::string followed = bytes + "\x01rest";
        std::string_view rest = followed;
        ASSERT_EQ(Decimal::from_sortable_bytes(rest), a);
        ASSERT_EQ(rest, "\x01rest");
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            std::string_view shorter(bytes.data(), cut);
            ASSERT_FALSE(Decimal::from_sortable_bytes(shorter)) << a.to_string() << " cut at " << cut;
            ASSERT_EQ(shorter.size(), cut);
        }
    }
}

// What reads back must be what would be written: one number has one encoding.
TEST(DecimalSortableBytes, MutatedBytesAreRefusedOrCanonical) {
    Generator random(6);
    int accepted = 0;
    for (int i = 0; i < 10 * rounds; ++i) {
        std::string bytes = decimal(random.exact(i % 2 == 0 ? 40 : 900'000).text()).sortable_bytes();
        bytes[static_cast<std::size_t>(random.number(0, static_cast<int>(bytes.size()) - 1))] = static_cast<char>(random.number(0, 255));
        std::string_view rest = bytes;
        const auto value = Decimal::from_sortable_bytes(rest);
        if (!value) continue;
        ++accepted;
        ASSERT_EQ(value->sortable_bytes(), bytes.substr(0, bytes.size() - rest.size()));
    }
    EXPECT_GT(accepted, rounds);
}

TEST(DecimalSortableBytes, LongestIsTwentyFourBytesAndSmallNumbersAreShort) {
    EXPECT_EQ(decimal("-99999999999999999999999999999999999999e900000").sortable_bytes().size(), 24U);
    EXPECT_EQ(decimal("-99999999999999999999999999999999999999").sortable_bytes().size(), 21U);
    EXPECT_EQ(decimal("7").sortable_bytes().size(), 3U);
    EXPECT_EQ(Decimal().sortable_bytes().size(), 1U);
}

TEST(DecimalRounding, FloorCeilTruncateAndRound) {
    struct Row {
        const char *in, *floor, *ceil, *round, *places_1;
    };
    for (const Row& row :
         {Row{"0", "0", "0", "0", "0"}, Row{"2.5", "2", "3", "3", "2.5"}, Row{"-2.5", "-3", "-2", "-3", "-2.5"},
          Row{"2.49", "2", "3", "2", "2.4"}, Row{"-2.49", "-3", "-2", "-2", "-2.4"}, Row{"0.5", "0", "1", "1", "0.5"},
          Row{"-0.5", "-1", "0", "-1", "-0.5"}, Row{"1e-50", "0", "1", "0", "0"}, Row{"-1e-50", "-1", "0", "0", "0"},
          Row{"9.99", "9", "10", "10", "9.9"}, Row{"1e30", "1e30", "1e30", "1e30", "1e30"}, Row{"-7", "-7", "-7", "-7", "-7"},
          Row{"9999999999999999999999999999999999999.5", "9999999999999999999999999999999999999", "1e37", "1e37",
              "9999999999999999999999999999999999999.5"},
          Row{".99999999999999999999999999999999999999", "0", "1", "1", "0.9"}}) {
        const Decimal in = decimal(row.in);
        EXPECT_EQ(in.floor(), decimal(row.floor)) << row.in;
        EXPECT_EQ(in.ceil(), decimal(row.ceil)) << row.in;
        EXPECT_EQ(in.round_half_away_from_zero(), decimal(row.round)) << row.in;
        EXPECT_EQ(in.truncate(1), decimal(row.places_1)) << row.in;
    }
    EXPECT_EQ(decimal("1234.5").truncate(-2), decimal("1200"));
    EXPECT_EQ(decimal("1234.5").truncate(std::numeric_limits<int>::min()), Decimal());
    EXPECT_EQ(decimal("1234.5").truncate(std::numeric_limits<int>::max()), decimal("1234.5"));
}

TEST(DecimalIntegers, ConvertExactlyOrNotAtAll) {
    for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1000}, std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min()}) {
        EXPECT_EQ(Decimal(value).to_int64(), value);
        EXPECT_EQ(Decimal(value), decimal(std::to_string(value)));
    }
    EXPECT_FALSE(decimal("9223372036854775808").to_int64());
    EXPECT_FALSE(decimal("-9223372036854775809").to_int64());
    EXPECT_FALSE(decimal("1e19").to_int64());
    EXPECT_FALSE(decimal("1e999999").to_int64());
    EXPECT_FALSE(decimal("1.5").to_int64());
    EXPECT_TRUE(decimal("1.0").is_integer());
    EXPECT_TRUE(decimal("1E3").is_integer());
    EXPECT_FALSE(decimal("0.1").is_integer());
}

TEST(DecimalDoubles, RoundTripTheShortestForm) {
    std::mt19937_64 engine(7);
    for (int i = 0; i < rounds; ++i) {
        const std::uint64_t bits = engine();
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        const auto converted = Decimal::from_double(value);
        ASSERT_EQ(converted.has_value(), std::isfinite(value));
        if (converted) {
            ASSERT_EQ(converted->to_double(), value);
        }
    }
    EXPECT_EQ(Decimal::from_double(0.1), decimal("0.1"));
    EXPECT_EQ(Decimal::from_double(-0.0), Decimal());
    EXPECT_FALSE(Decimal::from_double(std::numeric_limits<double>::infinity()));
    EXPECT_FALSE(Decimal::from_double(std::numeric_limits<double>::quiet_NaN()));
    EXPECT_EQ(decimal("1e400").to_double(), std::numeric_limits<double>::infinity());
    EXPECT_EQ(decimal("-1e400").to_double(), -std::numeric_limits<double>::infinity());
    EXPECT_EQ(decimal("1e-400").to_double(), 0.0);
}

TEST(DecimalBounds, ResultsBeyondTheExponentAreNone) {
    EXPECT_FALSE(Decimal::multiply(decimal("1e600000"), decimal("1e600000")));
    EXPECT_FALSE(Decimal::multiply(decimal("1e-600000"), decimal("1e-600000")));
    EXPECT_FALSE(Decimal::divide(decimal("1e600000"), decimal("1e-600000")));
    EXPECT_FALSE(Decimal::add(decimal("9.9999e1000000"), decimal("9.9999e1000000")));
    EXPECT_EQ(Decimal::add(decimal("1e1000000"), decimal("1e-1000000")), decimal("1e1000000"));
    EXPECT_FALSE(Decimal::add_exact(decimal("1e1000000"), decimal("1e-1000000")));
    EXPECT_EQ(Decimal::remainder(decimal("1e1000000"), decimal("7e-1000000")), decimal("2e-1000000"));  // 10^2000000 mod 7 = 10^2 mod 7
    EXPECT_EQ(Decimal::remainder(decimal("1e-1000000"), decimal("7e1000000")), decimal("1e-1000000"));
}

TEST(DecimalDigits, CountAndMagnitude) {
    EXPECT_EQ(decimal("0").significant_digits(), 0);
    EXPECT_EQ(decimal("0").magnitude(), 0);
    EXPECT_EQ(decimal("123").magnitude(), 2);
    EXPECT_EQ(decimal("0.01").magnitude(), -2);
    EXPECT_EQ(decimal("1200").significant_digits(), 2);
    EXPECT_EQ(decimal("99999999999999999999999999999999999999").significant_digits(), 38);
}

}  // namespace
}  // namespace fogbank
