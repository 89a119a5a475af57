/// A small JSON reader and writer for handlers: no library needed, nothing allocated for what is only passed on.
///
///     JsonView sample(event);                                   // checks the whole text, throws JsonError
///     std::string device = sample.at("Device").string();        // decoded
///     for (auto [name, value] : sample.at("Data").members())    // members in their order
///         row.set(name, value);                                 // `value` goes along verbatim, numbers keep every digit
///
/// A view points into the text it was made from, which must outlive it. Text is checked once, when the first view is made: strict RFC 8259,
/// UTF-8, at most `json_depth_max` levels; what is reached from there is not checked again. Nothing here has state: any thread. C++17,
/// header only, compiled into the handler.
#ifndef FOGBANK_JSON_H
#define FOGBANK_JSON_H

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fogbank::lambda {
// The version is part of every symbol's name, so that handlers built with different versions of this header never share one.
inline namespace v1 {

/// Arrays and objects may be nested this deep.
inline constexpr std::size_t json_depth_max = 128;

/// Text that is not JSON, or a value that is not what was asked for. `what()` names the position or the member.
class JsonError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

enum class JsonKind { object, array, string, number, boolean, null };

namespace detail {

inline const char* kind_name(JsonKind kind) {
    switch (kind) {
        case JsonKind::object:
            return "an object";
        case JsonKind::array:
            return "an array";
        case JsonKind::string:
            return "a string";
        case JsonKind::number:
            return "a number";
        case JsonKind::boolean:
            return "a boolean";
        case JsonKind::null:
            return "null";
    }
    return "nothing";
}

inline bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

inline int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The code unit of four hex digits at `at`, or -1.
inline std::int32_t hex4(std::string_view text, std::size_t at) {
    if (text.size() < 4 || at > text.size() - 4) return -1;
    std::int32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const int digit = hex_value(text[at + i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

inline bool is_high_surrogate(std::int32_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}
inline bool is_low_surrogate(std::int32_t unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/// The length of the well-formed UTF-8 sequence at `at` (no overlong forms, no surrogates, at most U+10FFFF), 0 if there is none.
inline std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : static_cast<unsigned char>(0);
    };
    const auto in = [](unsigned char b, unsigned low, unsigned high) { return b >= low && b <= high; };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    if (in(first, 0xC2, 0xDF)) return in(byte(1), 0x80, 0xBF) ? 2 : 0;
    if (in(first, 0xE0, 0xEF)) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return in(byte(1), low, high) && in(byte(2), 0x80, 0xBF) ? 3 : 0;
    }
    if (in(first, 0xF0, 0xF4)) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return in(byte(1), low, high) && in(byte(2), 0x80, 0xBF) && in(byte(3), 0x80, 0xBF) ? 4 : 0;
    }
    return 0;
}

inline void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

/// `text` as the inside of a JSON string. Bytes that are not UTF-8 become U+FFFD, so that the result is always JSON.
inline void append_escaped(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        const std::size_t length = utf8_length(text, i);
        if (length == 0) {
            out += "\\ufffd";
            ++i;
            continue;
        }
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20) {
            out += "\\u00";
            out.push_back(digits[byte >> 4]);
            out.push_back(digits[byte & 15]);
        } else {
            out.append(text.substr(i, length));
        }
        i += length;
    }
}

inline std::string quoted(std::string_view text) {
    std::string out = "\"";
    append_escaped(out, text);
    out.push_back('"');
    return out;
}

/// Checks a whole text. The functions return whether all is well; the first problem is kept.
class JsonChecker {
  public:
    explicit JsonChecker(std::string_view text) : text_(text) {}

    bool document() {
        space();
        if (!value(0)) return false;
        space();
        return at_ == text_.size() || fail("something follows the value");
    }
    const char* reason() const { return reason_; }
    std::size_t position() const { return at_; }

  private:
    bool fail(const char* reason) {
        reason_ = reason;
        return false;
    }
    bool more() const { return at_ < text_.size(); }
    char peek() const { return more() ? text_[at_] : '\0'; }
    void space() {
        while (more() && is_space(text_[at_])) ++at_;
    }
    bool take(char c) {
        if (peek() != c || !more()) return false;
        ++at_;
        return true;
    }

    bool value(std::size_t depth) {
        if (!more()) return fail("the text ends where a value should be");
        switch (peek()) {
            case '{':
                return depth < json_depth_max ? object(depth) : fail("nested too deeply");
            case '[':
                return depth < json_depth_max ? array(depth) : fail("nested too deeply");
            case '"':
                return string();
            case 't':
                return literal("true");
            case 'f':
                return literal("false");
            case 'n':
                return literal("null");
            default:
                return number();
        }
    }
    bool literal(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return fail("not a value");
        at_ += word.size();
        return true;
    }
    bool object(std::size_t depth) {
        ++at_;
        space();
        if (take('}')) return true;
        do {
            space();
            if (peek() != '"') return fail("a member's name should be here");
            if (!string()) return false;
            space();
            if (!take(':')) return fail("`:` should be here");
            space();
            if (!value(depth + 1)) return false;
            space();
        } while (take(','));
        return take('}') || fail("`,` or `}` should be here");
    }
    bool array(std::size_t depth) {
        ++at_;
        space();
        if (take(']')) return true;
        do {
            space();
            if (!value(depth + 1)) return false;
            space();
        } while (take(','));
        return take(']') || fail("`,` or `]` should be here");
    }
    bool string() {
        ++at_;
        while (more()) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return true;
            }
            if (c == '\\') {
                if (!escape()) return false;
                continue;
            }
            if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a string");
            const std::size_t length = utf8_length(text_, at_);
            if (length == 0) return fail("not UTF-8");
            at_ += length;
        }
        return fail("a string without an end");
    }
    bool escape() {
        const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (kind != 'u') {
            if (kind == '\0' || std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos) return fail("an unknown escape");
            at_ += 2;
            return true;
        }
        const std::int32_t unit = hex4(text_, at_ + 2);
        if (unit < 0) return fail("`\\u` wants four hex digits");
        if (is_low_surrogate(unit)) return fail("half of a surrogate pair");
        if (is_high_surrogate(unit)) {
            if (text_.substr(at_ + 6, 2) != "\\u" || !is_low_surrogate(hex4(text_, at_ + 8))) return fail("half of a surrogate pair");
            at_ += 6;
        }
        at_ += 6;
        return true;
    }
    bool digits() {
        if (!is_digit(peek())) return fail("a digit should be here");
        while (is_digit(peek())) ++at_;
        return true;
    }
    bool number() {
        const bool negative = take('-');
        if (!is_digit(peek())) return fail(negative ? "a digit should be here" : "not a value");
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            return digits();
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    const char* reason_ = nullptr;
};

// What follows walks over text that a JsonChecker has accepted.

inline std::size_t skip_space(std::string_view text, std::size_t at) {
    while (at < text.size() && is_space(text[at])) ++at;
    return at;
}
/// `at` stands on the opening quote; the result is behind the closing one.
inline std::size_t skip_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
    }
    return at + 1;
}
inline std::size_t skip_container(std::string_view text, std::size_t at) {
    std::size_t depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        ++at;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return at;
}
inline std::size_t skip_value(std::string_view text, std::size_t at) {
    const char c = text[at];
    if (c == '"') return skip_string(text, at);
    if (c == '{' || c == '[') return skip_container(text, at);
    while (at < text.size() && text[at] != ',' && text[at] != '}' && text[at] != ']' && !is_space(text[at])) ++at;
    return at;
}

/// A JSON string with its quotes, decoded.
inline std::string decoded(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 1; i + 1 < raw.size(); ++i) {
        if (raw[i] != '\\') {
            out.push_back(raw[i]);
            continue;
        }
        const char kind = raw[++i];
        constexpr std::string_view from = "bfnrt";
        constexpr std::string_view to = "\b\f\n\r\t";
        if (kind != 'u') {
            const std::size_t known = from.find(kind);
            out.push_back(known == std::string_view::npos ? kind : to[known]);
            continue;
        }
        auto code = static_cast<std::uint32_t>(hex4(raw, i + 1));
        i += 4;
        if (is_high_surrogate(static_cast<std::int32_t>(code))) {
            code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<std::uint32_t>(hex4(raw, i + 3)) - 0xDC00);
            i += 6;
        }
        append_utf8(out, code);
    }
    return out;
}

/// The shortest text that reads back as the same number; `value` is finite.
inline std::string number_text(double value) {
    char buffer[40];
#if defined(__cpp_lib_to_chars)
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
    return std::string(buffer, end.ptr);
#else
    std::snprintf(buffer, sizeof buffer, "%.17g", value);
    std::string out = buffer;
    for (char& c : out) c = c == ',' ? '.' : c;  // some locales
    return out;
#endif
}

}  // namespace detail

class JsonElements;
class JsonMembers;

/// One JSON value inside a text that somebody else owns. Cheap to copy.
class JsonView {
  public:
    /// `null`.
    JsonView() : raw_("null") {}
    /// Checks `text`: one JSON value, nothing behind it. Throws JsonError.
    explicit JsonView(std::string_view text) {
        detail::JsonChecker checker(text);
        if (!checker.document()) throw JsonError("not JSON at byte " + std::to_string(checker.position()) + ": " + checker.reason());
        const std::size_t begin = detail::skip_space(text, 0);
        raw_ = text.substr(begin, detail::skip_value(text, begin) - begin);
    }
    explicit JsonView(const std::string& text) : JsonView(std::string_view(text)) {}
    explicit JsonView(const char* text) : JsonView(std::string_view(text)) {}
    explicit JsonView(std::string&&) = delete;  // the view would outlive its text

    JsonKind kind() const {
        switch (raw_.front()) {
            case '{':
                return JsonKind::object;
            case '[':
                return JsonKind::array;
            case '"':
                return JsonKind::string;
            case 't':
            case 'f':
                return JsonKind::boolean;
            case 'n':
                return JsonKind::null;
            default:
                return JsonKind::number;
        }
    }
    bool is_object() const { return kind() == JsonKind::object; }
    bool is_array() const { return kind() == JsonKind::array; }
    bool is_string() const { return kind() == JsonKind::string; }
    bool is_number() const { return kind() == JsonKind::number; }
    bool is_boolean() const { return kind() == JsonKind::boolean; }
    bool is_null() const { return kind() == JsonKind::null; }

    /// The value as it stands in the text, a string with its quotes and escapes.
    std::string_view raw() const { return raw_; }
    /// A string's decoded characters. Throws JsonError unless it is a string.
    std::string string() const {
        expect(JsonKind::string);
        return detail::decoded(raw_);
    }
    /// A number's digits as they were written. Throws JsonError unless it is a number.
    std::string_view number_text() const {
        expect(JsonKind::number);
        return raw_;
    }
    /// The nearest double. Throws JsonError unless it is a number within a double's range.
    double number() const {
        expect(JsonKind::number);
#if defined(__cpp_lib_to_chars)
        double value = 0;
        const auto parsed = std::from_chars(raw_.data(), raw_.data() + raw_.size(), value);
        const bool good = parsed.ec == std::errc();
#else
        const double value = std::strtod(std::string(raw_).c_str(), nullptr);
        const bool good = std::isfinite(value);
#endif
        if (!good) throw JsonError("the number " + std::string(raw_.substr(0, 40)) + " is out of range");
        return value;
    }
    /// Throws JsonError unless it is a number written without fraction and exponent that fits.
    std::int64_t integer() const {
        expect(JsonKind::number);
        std::int64_t value = 0;
        const auto parsed = std::from_chars(raw_.data(), raw_.data() + raw_.size(), value);
        if (parsed.ec != std::errc() || parsed.ptr != raw_.data() + raw_.size()) {
            throw JsonError(std::string(raw_.substr(0, 40)) + " is not an integer of 64 bits");
        }
        return value;
    }
    /// Throws JsonError unless it is a boolean.
    bool boolean() const {
        expect(JsonKind::boolean);
        return raw_.front() == 't';
    }
    /// A string decoded, anything else as it stands: for keys and log lines.
    std::string text() const {
        return is_string() ? string() : std::string(raw_);
    }

    /// The member `key`, nothing if there is none; of several with one name the last. Throws JsonError unless this is an object.
    std::optional<JsonView> find(std::string_view key) const;
    /// The member `key`. Throws JsonError if there is none, or this is not an object.
    JsonView at(std::string_view key) const {
        const auto found = find(key);
        if (!found) throw JsonError("the member " + detail::quoted(key) + " is missing");
        return *found;
    }

    /// `for (JsonView element : array.elements())`. Throws JsonError unless this is an array.
    JsonElements elements() const;
    /// `for (auto [name, value] : object.members())`. Throws JsonError unless this is an object.
    JsonMembers members() const;

  private:
    friend class JsonElements;
    friend class JsonMembers;
    struct Checked {};
    JsonView(Checked, std::string_view raw) : raw_(raw) {}
    void expect(JsonKind wanted) const {
        if (kind() != wanted) throw JsonError(std::string("expected ") + detail::kind_name(wanted) + ", got " + detail::kind_name(kind()));
    }

    std::string_view raw_;
};

/// An array's elements, in their order.
class JsonElements {
  public:
    class Iterator {
      public:
        JsonView operator*() const { return JsonView(JsonView::Checked(), text_.substr(at_, end_ - at_)); }
        Iterator& operator++() {
            settle(detail::skip_space(text_, end_));
            return *this;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }
        friend bool operator!=(const Iterator& a, const Iterator& b) { return a.at_ != b.at_; }

      private:
        friend class JsonElements;
        Iterator(std::string_view text, std::size_t at) : text_(text) { settle(at); }
        /// `at` stands on the `[`, a `,` or the `]`.
        void settle(std::size_t at) {
            if (at < text_.size() && text_[at] != ']') at = detail::skip_space(text_, at + 1);
            at_ = at >= text_.size() || text_[at] == ']' ? text_.size() : at;
            end_ = at_ == text_.size() ? at_ : detail::skip_value(text_, at_);
        }
        std::string_view text_;
        std::size_t at_ = 0, end_ = 0;
    };
    Iterator begin() const { return Iterator(text_, 0); }
    Iterator end() const { return Iterator(text_, text_.size()); }

  private:
    friend class JsonView;
    explicit JsonElements(std::string_view text) : text_(text) {}
    std::string_view text_;
};

/// An object's members, in their order, a name that stands twice twice.
class JsonMembers {
  public:
    struct Member {
        std::string name;  ///< decoded
        JsonView value;
    };
    class Iterator {
      public:
        Member operator*() const { return Member{detail::decoded(raw_name()), value()}; }
        Iterator& operator++() {
            settle(detail::skip_space(text_, end_));
            return *this;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }
        friend bool operator!=(const Iterator& a, const Iterator& b) { return a.at_ != b.at_; }

      private:
        friend class JsonMembers;
        friend class JsonView;
        Iterator(std::string_view text, std::size_t at) : text_(text) { settle(at); }
        std::string_view raw_name() const { return text_.substr(at_, name_end_ - at_); }
        JsonView value() const { return JsonView(JsonView::Checked(), text_.substr(value_, end_ - value_)); }
        /// `at` stands on the `{`, a `,` or the `}`.
        void settle(std::size_t at) {
            if (at < text_.size() && text_[at] != '}') at = detail::skip_space(text_, at + 1);
            at_ = at >= text_.size() || text_[at] == '}' ? text_.size() : at;
            name_end_ = value_ = end_ = at_;
            if (at_ == text_.size()) return;
            name_end_ = detail::skip_string(text_, at_);
            value_ = detail::skip_space(text_, detail::skip_space(text_, name_end_) + 1);
            end_ = detail::skip_value(text_, value_);
        }
        std::string_view text_;
        std::size_t at_ = 0, name_end_ = 0, value_ = 0, end_ = 0;
    };
    Iterator begin() const { return Iterator(text_, 0); }
    Iterator end() const { return Iterator(text_, text_.size()); }

  private:
    friend class JsonView;
    explicit JsonMembers(std::string_view text) : text_(text) {}
    std::string_view text_;
};

inline JsonElements JsonView::elements() const {
    expect(JsonKind::array);
    return JsonElements(raw_);
}
inline JsonMembers JsonView::members() const {
    expect(JsonKind::object);
    return JsonMembers(raw_);
}
inline std::optional<JsonView> JsonView::find(std::string_view key) const {
    std::optional<JsonView> found;
    const JsonMembers all = members();
    for (auto member = all.begin(); member != all.end(); ++member) {
        const std::string_view name = member.raw_name();
        const bool plain = name.find('\\') == std::string_view::npos;
        if (plain ? name.substr(1, name.size() - 2) == key : detail::decoded(name) == key) found = member.value();
    }
    return found;
}

/// Builds an object. `set` with a name that is there already replaces its value and keeps its place.
class JsonObject {
  public:
    JsonObject& set(std::string_view name, std::string_view text) { return put(name, detail::quoted(text)); }
    JsonObject& set(std::string_view name, const std::string& text) { return put(name, detail::quoted(text)); }
    JsonObject& set(std::string_view name, const char* text) { return put(name, detail::quoted(text)); }
    JsonObject& set(std::string_view name, std::nullptr_t) { return put(name, "null"); }
    /// Verbatim.
    JsonObject& set(std::string_view name, const JsonView& value) { return put(name, std::string(value.raw())); }
    JsonObject& set(std::string_view name, const JsonObject& value) { return put(name, value.str()); }
    /// Booleans, integers and floating-point numbers. Throws JsonError for infinities and NaN, which JSON does not have.
    template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
    JsonObject& set(std::string_view name, T value) {
        if constexpr (std::is_same_v<T, bool>) {
            return put(name, value ? "true" : "false");
        } else if constexpr (std::is_integral_v<T>) {
            return put(name, std::to_string(value));
        } else {
            const auto number = static_cast<double>(value);
            if (!std::isfinite(number)) throw JsonError("the value of " + detail::quoted(name) + " is not a finite number");
            return put(name, detail::number_text(number));
        }
    }
    /// A value that is JSON text already. Throws JsonError if it is not.
    JsonObject& set_json(std::string_view name, std::string_view json) { return set(name, JsonView(json)); }

    bool empty() const { return members_.empty(); }
    std::string str() const {
        std::string out = "{";
        for (const auto& [name, value] : members_) {
            if (out.size() > 1) out.push_back(',');
            out += detail::quoted(name);
            out.push_back(':');
            out += value;
        }
        out.push_back('}');
        return out;
    }

  private:
    JsonObject& put(std::string_view name, std::string value) {
        const auto known = places_.find(name);
        if (known != places_.end()) {
            members_[known->second].second = std::move(value);
        } else {
            places_.emplace(std::string(name), members_.size());
            members_.emplace_back(std::string(name), std::move(value));
        }
        return *this;
    }
    std::vector<std::pair<std::string, std::string>> members_;  ///< name, JSON text
    std::map<std::string, std::size_t, std::less<>> places_;    ///< so that an object of many members stays cheap to build
};

}  // namespace v1
}  // namespace fogbank::lambda

#endif /* FOGBANK_JSON_H */
