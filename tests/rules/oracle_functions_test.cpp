// The oracle's functions (declared in tests/rules/oracle.h), from reference "rules-sql", section 9, and a check that they are not blind.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>

#include "tests/rules/oracle.h"

namespace fogbank::rules {
namespace oracle {
namespace {

using Kind = Datum::Kind;
using Arguments = std::vector<Datum>;

Decimal absolute(const Decimal& x) {
    return x.is_negative() ? -x : x;
}

}  // namespace

Decimal nearest(const Decimal& x) {
    if (x.is_integer()) return x;
    const Decimal half = *Decimal::parse("0.5");
    const Decimal up = Decimal::add(absolute(x), half)->floor();
    return x.is_negative() ? -up : up;
}

std::vector<std::string> characters(const std::string& text) {
    std::vector<std::string> out;
    for (const char c : text) {
        const bool more = (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
        if (more) {
            out.back() += c;
        } else {
            out.emplace_back(1, c);
        }
    }
    return out;
}

namespace {

// Numbers.

/// Cuts the digits after the point off the written number.
Decimal cut(const Decimal& x, std::size_t places) {
    const std::string text = x.to_plain_string();
    const std::size_t point = text.find('.');
    return Decimal::parse_rounded(point == std::string::npos ? text : text.substr(0, point + 1 + places), 38).value_or(Decimal());
}

std::optional<Datum> numeric(const std::string& name, const Arguments& a) {
    static const std::map<std::string, Decimal (*)(const Decimal&)> known{{"abs", absolute},
                                                                          {"ceil", [](const Decimal& x) { return -(-x).floor(); }},
                                                                          {"floor", [](const Decimal& x) { return x.floor(); }},
                                                                          {"round", nearest},
                                                                          {"sign", [](const Decimal& x) {
                                                                               return Decimal(x.is_zero() ? 0 : x.is_negative() ? -1 : 1);
                                                                           }}};
    const auto found = known.find(name);
    if (found == known.end()) return std::nullopt;
    const auto x = as_number(a[0]);
    return x ? number(found->second(*x)) : Datum();
}

/// A whole number between the bounds, rounded down.
std::optional<std::int64_t> clamped(const Datum& d, std::int64_t least, std::int64_t most) {
    const auto x = as_number(d);
    if (!x) return std::nullopt;
    if (*x < Decimal(least)) return least;
    if (*x > Decimal(most)) return most;
    return x->floor().to_int64();
}

std::optional<Datum> two_numbers(const std::string& name, const Arguments& a) {
    if (name == "trunc") {
        const auto x = as_number(a[0]);
        const auto places = clamped(a[1], 0, 34);
        return x && places ? number(cut(*x, static_cast<std::size_t>(*places))) : Datum();
    }
    if (name == "mod" || name == "remainder") {
        const auto x = as_number(a[0]);
        const auto y = as_number(a[1]);
        return x && y ? number(Decimal::remainder(*x, *y)) : Datum();
    }
    if (name != "bitand" && name != "bitor" && name != "bitxor") return std::nullopt;
    const auto x = as_number(a[0]);
    const auto y = as_number(a[1]);
    const auto i = x ? x->floor().to_int64() : std::nullopt;
    const auto j = y ? y->floor().to_int64() : std::nullopt;
    if (!i || !j) return Datum();
    return number(Decimal(name == "bitand" ? *i & *j : name == "bitor" ? *i | *j : *i ^ *j));
}

// Text, as a list of its characters.

std::string in_case(const std::string& text, bool up) {
    const std::string low = "\xC3\xA9";   // é
    const std::string high = "\xC3\x89";  // É
    std::string out;
    for (const std::string& c : characters(text)) {
        if (c == low || c == high) {
            out += up ? high : low;
        } else {
            out += c.size() > 1 ? c : std::string(1, static_cast<char>(up ? std::toupper(c[0]) : std::tolower(c[0])));
        }
    }
    return out;
}

std::string stripped(std::string text, bool left, bool right) {
    while (left && !text.empty() && text.front() == ' ') text.erase(0, 1);
    while (right && !text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

std::optional<Datum> one_text(const std::string& name, const Arguments& a) {
    static const std::map<std::string, Datum (*)(const std::string&)> known{
        {"upper", [](const std::string& s) { return string(in_case(s, true)); }},
        {"lower", [](const std::string& s) { return string(in_case(s, false)); }},
        {"trim", [](const std::string& s) { return string(stripped(s, true, true)); }},
        {"ltrim", [](const std::string& s) { return string(stripped(s, true, false)); }},
        {"rtrim", [](const std::string& s) { return string(stripped(s, false, true)); }},
        {"length", [](const std::string& s) { return number(Decimal(static_cast<std::int64_t>(characters(s).size()))); }},
        {"numbytes", [](const std::string& s) { return number(Decimal(static_cast<std::int64_t>(s.size()))); }}};
    const auto found = known.find(name);
    if (found == known.end()) return std::nullopt;
    const auto text = as_text(a[0]);
    return text ? found->second(*text) : Datum();
}

std::int64_t position(const std::string& text, const std::string& part) {
    const std::size_t found = text.find(part);
    return found == std::string::npos ? -1 : static_cast<std::int64_t>(characters(text.substr(0, found)).size());
}

std::optional<Datum> two_texts(const std::string& name, const Arguments& a) {
    if (name != "startswith" && name != "endswith" && name != "indexof") return std::nullopt;
    const auto text = as_text(a[0]);
    const auto part = as_text(a[1]);
    if (!text || !part) return Datum();
    if (name == "startswith") return boolean(text->compare(0, part->size(), *part) == 0);
    if (name == "endswith") return boolean(text->size() >= part->size() && text->substr(text->size() - part->size()) == *part);
    return number(Decimal(position(*text, *part)));
}

Datum substring(const Arguments& a) {
    const auto text = as_text(a[0]);
    if (!text) return {};
    const auto all = characters(*text);
    const auto size = static_cast<std::int64_t>(all.size());
    const auto begin = clamped(a[1], 0, size);
    const auto end = a.size() == 3 ? clamped(a[2], 0, size) : std::optional(size);
    if (!begin || !end) return {};
    std::string out;
    for (std::int64_t i = *begin; i < *end; ++i) out += all[static_cast<std::size_t>(i)];
    return string(out);
}

Datum replaced(const Arguments& a) {
    const auto text = as_text(a[0]);
    const auto from = as_text(a[1]);
    const auto to = as_text(a[2]);
    if (!text || !from || !to) return {};
    std::string rest = *text;
    std::string out;
    while (!from->empty() && rest.find(*from) != std::string::npos) {
        const std::size_t at = rest.find(*from);
        out += rest.substr(0, at) + *to;
        rest.erase(0, at + from->size());
    }
    return string(out + rest);
}

Datum concatenated(const Arguments& a) {
    if (a.size() == 1) return a[0];
    Datum list;
    std::string text;
    bool any_array = false;
    bool all_text = true;
    for (const Datum& one : a) {
        any_array = any_array || one.kind == Kind::array;
        const auto part = as_text(one);
        all_text = all_text && part;
        text += part.value_or("");
        if (one.kind == Kind::array) {
            list.items.insert(list.items.end(), one.items.begin(), one.items.end());
        } else {
            list.items.push_back(one);
        }
    }
    list.kind = Kind::array;
    if (any_array) return list;
    return all_text ? string(text) : Datum();
}

Datum padded(const Arguments& a, bool left) {
    const auto text = as_text(a[0]);
    const auto count = clamped(a[1], 0, 1000);
    if (!text || !count) return {};
    const std::string spaces(static_cast<std::size_t>(*count), ' ');
    return string(left ? spaces + *text : *text + spaces);
}

// Time: `yyyy-MM-dd HH:mm:ss` in UTC, counted day by day from 1970.

bool leap(std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
std::int64_t days_in(std::int64_t year, int month) {
    constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[static_cast<std::size_t>(month)] + (month == 1 && leap(year) ? 1 : 0);
}

std::string written_time(std::int64_t ms) {
    std::int64_t day = ms / 86'400'000 - (ms % 86'400'000 < 0 ? 1 : 0);
    const std::int64_t second = (ms - day * 86'400'000) / 1000;
    std::int64_t year = 1970;
    while (day < 0) day += leap(--year) ? 366 : 365;
    while (day >= (leap(year) ? 366 : 365)) day -= leap(year++) ? 366 : 365;
    int month = 0;
    while (day >= days_in(year, month)) day -= days_in(year, month++);
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02d %02d:%02d:%02d", static_cast<int>(year), month + 1, static_cast<int>(day) + 1,
                  static_cast<int>(second / 3600), static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
    return text.data();
}

/// Only for what written_time writes: other texts are Undefined to both only if they are malformed, so the generator gives no others.
Datum epoch(const std::string& text) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2d %2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) != 6) return {};
    std::int64_t days = day - 1;
    for (int m = 0; m + 1 < month; ++m) days += days_in(year, m);
    for (int y = 1970; y < year; ++y) days += leap(y) ? 366 : 365;
    for (int y = year; y < 1970; ++y) days -= leap(y) ? 366 : 365;
    return number(Decimal(((days * 24 + hour) * 60 + minute) * 60'000 + second * 1000));
}

}  // namespace

std::optional<Datum> call(const std::string& name, const std::vector<Datum>& a) {
    if (name == "substring") return substring(a);
    if (name == "replace") return replaced(a);
    if (name == "concat") return concatenated(a);
    if (name == "lpad" || name == "rpad") return padded(a, name == "lpad");
    if (name == "parse_time") return string(written_time(*a[1].number.to_int64()));
    if (name == "time_to_epoch") return epoch(a[0].text);
    for (const auto group : {numeric, two_numbers, one_text, two_texts}) {
        if (auto value = group(name, a)) return value;
    }
    return std::nullopt;
}

}  // namespace oracle

namespace {

oracle::Datum text(const std::string& value) {
    return oracle::string(value);
}
oracle::Datum num(const std::string& value) {
    return oracle::number(Decimal::parse(value));
}
std::string called(const std::string& name, const std::vector<oracle::Datum>& arguments) {
    return oracle::json(*oracle::call(name, arguments));
}

// The examples of AWS's own pages.
TEST(Oracle, AnswersTheDocumentedExamples) {
    EXPECT_EQ(called("round", {num("-1.5")}), "-2");
    EXPECT_EQ(called("floor", {num("-1.2")}), "-2");
    EXPECT_EQ(called("ceil", {num("-1.2")}), "-1");
    EXPECT_EQ(called("trunc", {num("2.3123"), num("2")}), "2.31");
    EXPECT_EQ(called("bitand", {num("13"), num("5")}), "5");
    EXPECT_EQ(called("substring", {text("012345"), num("2.745")}), "\"2345\"");
    EXPECT_EQ(called("substring", {oracle::boolean(false), num("-2.411E247")}), "\"false\"");
    EXPECT_EQ(called("numbytes", {text("€")}), "3");
    EXPECT_EQ(called("length", {text("€")}), "1");
    EXPECT_EQ(called("indexof", {text("abcd"), text("bc")}), "1");
    EXPECT_EQ(called("time_to_epoch", {text("2015-12-18 00:00:00"), text("yyyy-MM-dd HH:mm:ss")}), "1450396800000");
    EXPECT_EQ(called("parse_time", {text("yyyy-MM-dd HH:mm:ss"), num("-1")}), "\"1969-12-31 23:59:59\"");
}

}  // namespace
}  // namespace fogbank::rules
