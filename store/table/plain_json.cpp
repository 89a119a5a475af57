// Ordinary JSON to items and back. A parser of its own because numbers must keep all their digits, which the JSON libraries at hand turn
// into doubles.

#include <optional>

#include "common/encoding.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/number.h"
#include "store/table/json.h"

namespace fogbank::store::table {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, char32_t code_point) {
    const auto put = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xC0 | (code_point >> 6));
        put(0x80 | (code_point & 0x3F));
    } else if (code_point < 0x10000) {
        put(0xE0 | (code_point >> 12));
        put(0x80 | ((code_point >> 6) & 0x3F));
        put(0x80 | (code_point & 0x3F));
    } else {
        put(0xF0 | (code_point >> 18));
        put(0x80 | ((code_point >> 12) & 0x3F));
        put(0x80 | ((code_point >> 6) & 0x3F));
        put(0x80 | (code_point & 0x3F));
    }
}

/// RFC 8259 over UTF-8 that was checked before. Recursion is bounded by nesting_levels_max.
class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<Item> document() {
        skip_space();
        if (peek() != '{') return validation("not a JSON object");
        auto item = object(0);
        if (!item) return item;
        skip_space();
        if (at_ != text_.size()) return malformed("end of text");
        return item;
    }

  private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    Error malformed(std::string_view expected) const {
        return validation("malformed JSON at byte " + std::to_string(at_) + ": expected " + std::string(expected));
    }

    Result<Item> object(int depth) {
        Item out;
        ++at_;  // the brace that the caller saw
        skip_space();
        if (take('}')) return out;
        for (;;) {
            skip_space();
            if (peek() != '"') return malformed("a member's name");
            auto name = string();
            if (!name) return name.error();
            skip_space();
            if (!take(':')) return malformed("`:`");
            auto member = value(depth);
            if (!member) return member.error();
            out.insert_or_assign(std::move(*name), std::move(*member));  // the last of equal names wins
            skip_space();
            if (take('}')) return out;
            if (!take(',')) return malformed("`,` or `}`");
        }
    }

    Result<List> array(int depth) {
        List out;
        ++at_;
        skip_space();
        if (take(']')) return out;
        for (;;) {
            auto element = value(depth);
            if (!element) return element.error();
            out.push_back(std::move(*element));
            skip_space();
            if (take(']')) return out;
            if (!take(',')) return malformed("`,` or `]`");
        }
    }

    template <class T>
    static Result<AttributeValue> wrap(Result<T> content) {
        if (!content) return content.error();
        return AttributeValue(std::move(*content));
    }

    Result<AttributeValue> value(int depth) {
        skip_space();
        const char first = peek();
        if (first == '"') return wrap(string());
        if (first == '-' || is_digit(first)) return wrap(number());
        if (first == '{' || first == '[') {
            if (depth >= nesting_levels_max) return validation("Nesting Levels have exceeded supported limits");
            return first == '{' ? wrap(object(depth + 1)) : wrap(array(depth + 1));
        }
        if (literal("true")) return AttributeValue(true);
        if (literal("false")) return AttributeValue(false);
        if (literal("null")) return AttributeValue(Null());
        return malformed("a value");
    }

    bool literal(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    std::size_t digits() {
        const std::size_t from = at_;
        while (is_digit(peek())) ++at_;
        return at_ - from;
    }

    Result<Decimal> number() {
        const std::size_t from = at_;
        take('-');
        const bool leading_zero = peek() == '0';
        const std::size_t whole = digits();
        if (whole == 0 || (leading_zero && whole > 1)) return malformed("a number");
        if (take('.') && digits() == 0) return malformed("a digit");
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (digits() == 0) return malformed("a digit");
        }
        return parse_number(text_.substr(from, at_ - from));
    }

    Result<std::string> string() {
        ++at_;
        std::string out;
        for (;;) {
            const std::size_t from = at_;
            while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && static_cast<unsigned char>(text_[at_]) >= 0x20) ++at_;
            out.append(text_.substr(from, at_ - from));
            if (take('"')) return out;
            if (!take('\\')) return malformed("`\"`");
            if (!escape(out)) return malformed("an escape sequence");
        }
    }

    bool escape(std::string& out) {
        static constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        const char letter = peek();
        if (letter == 'u') return unicode_escape(out);
        const std::size_t which = letter == '\0' ? std::string_view::npos : letters.find(letter);
        if (which == std::string_view::npos) return false;
        ++at_;
        out.push_back(meanings[which]);
        return true;
    }

    /// `uXXXX`, and the low half of a surrogate pair after a high one; a lone half is refused, it has no UTF-8.
    bool unicode_escape(std::string& out) {
        const auto unit = code_unit();
        if (!unit) return false;
        char32_t code_point = *unit;
        if (code_point >= 0xDC00 && code_point <= 0xDFFF) return false;
        if (code_point >= 0xD800 && code_point <= 0xDBFF) {
            if (!take('\\')) return false;
            const auto low = code_unit();
            if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
            code_point = 0x10000 + ((code_point - 0xD800) << 10) + (*low - 0xDC00);
        }
        append_utf8(out, code_point);
        return true;
    }

    std::optional<char32_t> code_unit() {
        if (!take('u') || text_.size() - at_ < 4) return std::nullopt;
        const auto bytes = hex_decode(text_.substr(at_, 4));
        if (!bytes) return std::nullopt;
        at_ += 4;
        return (static_cast<char32_t>(static_cast<unsigned char>((*bytes)[0])) << 8) | static_cast<unsigned char>((*bytes)[1]);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

void put_string(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20) {
            out += "\\u00";
            out.push_back(digits[byte >> 4]);
            out.push_back(digits[byte & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

void put_object(std::string& out, const Item& item);

struct Writer {
    std::string& out;

    void operator()(const std::string& text) const { put_string(out, text); }
    void operator()(const Decimal& number) const { out += number.to_plain_string(); }
    void operator()(const Binary& binary) const { put_string(out, base64_encode(binary.bytes)); }
    void operator()(bool boolean) const { out += boolean ? "true" : "false"; }
    void operator()(Null) const { out += "null"; }
    void operator()(const std::unique_ptr<Item>& map) const { map ? put_object(out, *map) : put_object(out, Item()); }
    void operator()(const AttributeValue& value) const { std::visit(*this, value.storage()); }
    void operator()(const List& list) const { elements(list); }
    template <class Element>
    void operator()(const std::set<Element>& set) const {
        elements(set);
    }
    template <class Elements>
    void elements(const Elements& all) const {
        out.push_back('[');
        bool first = true;
        for (const auto& element : all) {
            if (!first) out.push_back(',');
            first = false;
            (*this)(element);
        }
        out.push_back(']');
    }
};

void put_object(std::string& out, const Item& item) {
    out.push_back('{');
    bool first = true;
    for (const auto& [name, value] : item) {
        if (!first) out.push_back(',');
        first = false;
        put_string(out, name);
        out.push_back(':');
        Writer{out}(value);
    }
    out.push_back('}');
}

}  // namespace

Result<Item> item_from_plain_json(std::string_view text) {
    if (!is_valid_utf8(text)) return validation("not well-formed UTF-8");
    return Parser(text).document();
}

std::string plain_json(const Item& item) {
    std::string out;
    put_object(out, item);
    return out;
}

}  // namespace fogbank::store::table
