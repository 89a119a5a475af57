/// The values that IoT SQL computes with. Source: AWS IoT Developer Guide, "Data types" (reference "rules-sql", sections 3 and 4).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/decimal.h"

namespace fogbank::rules::sql {

/// Language versions, oldest first (reference "rules-sql", section 2).
enum class Version : std::uint8_t { v2015_10_08, v2016_03_23, beta };
std::optional<Version> parse_version(std::string_view text);
std::string_view version_text(Version version);

/// Text that is either owned (shared) or borrowed from the statement or the message, which outlive the evaluation of that message.
class Text {
  public:
    Text() = default;
    static Text borrowed(std::string_view view) { return Text(view, nullptr); }
    static Text owned(std::string text);
    std::string_view view() const { return view_; }
    friend bool operator==(const Text& a, const Text& b) { return a.view_ == b.view_; }

  private:
    friend class Value;
    Text(std::string_view view, std::shared_ptr<const void> owner) : view_(view), owner_(std::move(owner)) {}
    std::string_view view_;
    std::shared_ptr<const void> owner_;
};

class Value;
class Object;
using Array = std::vector<Value>;

/// One SQL value; cheap to copy, immutable. An Int and a Decimal are the same number with a different kind.
class Value {
  public:
    enum class Kind : std::uint8_t { undefined, null, boolean, integer, decimal, string, array, object };

    /// Undefined.
    Value() = default;
    static Value null() { return Value(Kind::null); }
    static Value boolean(bool value) {
        Value made(Kind::boolean);
        made.held_.boolean = value;
        return made;
    }
    static Value integer(std::int64_t value) { return integer(Decimal(value)); }
    /// `value` must be whole. More than 34 digits make it a Decimal (section 3).
    static Value integer(const Decimal& value);
    /// A Decimal; whole ones are Int from 2016-03-23 on (section 2). Undefined outside of the magnitudes 1E-999 to 9.99E999.
    static Value decimal(const Decimal& value, Version version);
    /// Undefined for nothing.
    static Value decimal(const std::optional<Decimal>& value, Version version) { return value ? decimal(*value, version) : Value(); }
    /// A number whose text is what number_text would write, and lives as long as a borrowed Text: it is read when somebody computes with
    /// it. Digits without an exponent; none of them may be left out (no `-0`, no zero at the end of a fraction); at most
    /// `written_number_bytes_max` bytes.
    static Value written_number(std::string_view text);
    static constexpr std::size_t written_number_bytes_max = 18;
    static Value string(Text text) {
        Value made(Kind::string);
        made.held_.text = text.view_;
        made.owner_ = std::move(text.owner_);
        return made;
    }
    static Value string(std::string text) { return string(Text::owned(std::move(text))); }
    static Value array(Array items);
    static Value object(Object members);

    Kind kind() const { return kind_; }
    bool is_undefined() const { return kind_ == Kind::undefined; }
    bool is_null() const { return kind_ == Kind::null; }
    bool is_number() const { return kind_ == Kind::integer || kind_ == Kind::decimal; }
    bool is_string() const { return kind_ == Kind::string; }
    /// True only for the Boolean true.
    bool is_true() const { return kind_ == Kind::boolean && held_.boolean; }

    // Each requires the kind that it names.
    bool as_boolean() const { return held_.boolean; }
    Decimal number() const { return written_ ? read_number() : held_.number; }
    /// The text of a `written_number`; empty for other numbers.
    std::string_view written() const { return written_ ? held_.text : std::string_view(); }
    /// The same number with nothing borrowed.
    Value own_number() const { return Value(kind_, number()); }
    std::string_view text() const { return held_.text; }
    Text shared_text() const { return Text(held_.text, owner_); }
    const Array& items() const { return *held_.items; }
    const Object& members() const { return *held_.members; }

    /// The member `name` of an Object; Undefined if there is none or this is no Object.
    Value member(std::string_view name) const;

  private:
    /// What `kind_` says; a number's text if `written_`. Not a std::variant, which asks what it holds at each move.
    union Held {
        Held() : boolean(false) {}
        bool boolean;
        Decimal number;
        std::string_view text;
        const Array* items;
        const Object* members;
    };
    explicit Value(Kind kind) : kind_(kind) {}
    Value(Kind kind, const Decimal& number) : kind_(kind) { held_.number = number; }
    Decimal read_number() const;

    Held held_;
    std::shared_ptr<const void> owner_;  ///< of the text, items or members, unless they are borrowed
    Kind kind_ = Kind::undefined;
    bool written_ = false;
};

/// Members in the order they were first set; setting a name again replaces its value.
class Object {
  public:
    using Member = std::pair<Text, Value>;
    void set(Text name, Value value);
    /// Appends without looking for `name`: for sources whose names are known to be distinct.
    void append(Text name, Value value) { members_.emplace_back(std::move(name), std::move(value)); }
    void reserve(std::size_t count) { members_.reserve(count); }
    const Value* find(std::string_view name) const;
    std::size_t size() const { return members_.size(); }
    auto begin() const { return members_.begin(); }
    auto end() const { return members_.end(); }

  private:
    std::vector<Member> members_;
};

/// The documented regular expression for numbers in Strings: `^-?\d+(\.\d+)?((?i)E-?\d+)?$`; nothing for other text.
std::optional<Decimal> decimal_from_text(std::string_view text);

// Implicit conversions (section 4); nothing stands for Undefined.
std::optional<Decimal> to_decimal(const Value& value);  ///< Null too is nothing: operators answer Undefined for it
std::optional<bool> to_boolean(const Value& value);
/// Also serialises Arrays and Objects; Null and Undefined convert to nothing.
std::optional<Text> to_text(const Value& value);

/// A number as SQL writes it: an Int in plain digits, a Decimal that is whole with `.0`, an extreme one in scientific notation.
std::string number_text(const Value& number);

/// Equality without conversion between types (section 5); Int and Decimal compare by value. Neither operand may be Undefined.
bool equal(const Value& a, const Value& b);

/// Appends compact JSON. Undefined members are left out, Undefined items of an Array become null (undocumented, keeps positions).
/// @return false if `out` would grow beyond `bytes_max`; `out` is then incomplete.
bool append_json(std::string& out, const Value& value, std::size_t bytes_max);
/// Quotes and escapes.
void append_json_string(std::string& out, std::string_view text);

/// Largest String, Array text or output that an evaluation may build. Fogbank's own bound; payloads are at most 128 KB in profile `aws`.
inline constexpr std::size_t value_bytes_max = 1 << 20;

}  // namespace fogbank::rules::sql
