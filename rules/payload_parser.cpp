// Reading JSON into nodes (Payload::parse, declared in rules/payload.h).
//
// One pass, everything checked, nothing copied but strings with escapes. simdjson's on-demand parser is made for touching a few fields of a
// large document; here every byte must be judged, because a payload with an error at its end is no JSON for any rule, and numbers must keep
// their text.

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "common/plain_json.h"
#include "rules/payload.h"

namespace fogbank::rules::sql {
namespace {

/// Longest number text; more digits than this are no measurement. Fogbank's own bound.
constexpr std::size_t number_bytes_max = 2048;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return add(code);
    if (code < 0x800) {
        add(0xC0U | (code >> 6U));
    } else {
        if (code < 0x10000) {
            add(0xE0U | (code >> 12U));
        } else {
            add(0xF0U | (code >> 18U));
            add(0x80U | ((code >> 12U) & 0x3FU));
        }
        add(0x80U | ((code >> 6U) & 0x3FU));
    }
    add(0x80U | (code & 0x3FU));
}

}  // namespace

class Payload::Reader {
  public:
    /// `nodes` grows as needed and never shrinks; how many were used is `count()`.
    Reader(std::string_view text, std::vector<Node>& nodes, std::string& unescaped)
        : at_(text.data()), end_(text.data() + text.size()), nodes_(nodes), unescaped_(unescaped) {}

    /// A whole document.
    bool document() {
        skip_white_space();
        if (!value(nullptr, 0, 0)) return false;
        skip_white_space();
        return at_ == end_;
    }
    std::size_t count() const { return count_; }

  private:
    static constexpr std::size_t nodes_at_first = 64;

    void skip_white_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    }
    bool take(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }

    /// One value at `at_`, which is not the end; nodes are written once, when all is known but what comes below them.
    bool value(const char* key, std::size_t key_bytes, std::size_t depth) {
        if (at_ == end_) return false;
        if (count_ == nodes_.size()) nodes_.resize(std::max(nodes_at_first, 2 * count_));
        const std::size_t index = count_++;
        Node node;
        node.key_begin = key;
        node.key_bytes = static_cast<std::uint32_t>(key_bytes);
        node.end = static_cast<std::uint32_t>(count_);
        const char c = *at_;
        if (c == '{' || c == '[') {
            node.type = c == '{' ? Type::object : Type::array;
            nodes_[index] = node;
            if (depth == payload_depth_max) return false;
            ++at_;
            if (!(c == '{' ? object(depth + 1) : array(depth + 1))) return false;
            nodes_[index].end = static_cast<std::uint32_t>(count_);
            return true;
        }
        std::string_view text;
        bool good = false;
        switch (c) {
            case '"':
                node.type = Type::string;
                good = string(text);
                break;
            case 't':
                node.flag = true;
                node.type = Type::boolean;
                good = word("true");
                break;
            case 'f':
                node.type = Type::boolean;
                good = word("false");
                break;
            case 'n':
                good = word("null");
                break;
            default:
                node.type = Type::number;
                good = number(text, node.flag);
                break;
        }
        node.text_begin = text.data();
        node.text_bytes = static_cast<std::uint32_t>(text.size());
        nodes_[index] = node;
        return good;
    }

    bool word(std::string_view text) {
        if (static_cast<std::size_t>(end_ - at_) < text.size() || std::memcmp(at_, text.data(), text.size()) != 0) return false;
        at_ += text.size();
        return true;
    }

    /// After the opening brace, to behind the closing one.
    bool object(std::size_t depth) {
        skip_white_space();
        if (take('}')) return true;
        while (true) {
            std::string_view key;
            if (at_ == end_ || *at_ != '"' || !string(key)) return false;
            skip_white_space();
            if (!take(':')) return false;
            skip_white_space();
            if (!value(key.data(), key.size(), depth)) return false;
            skip_white_space();
            if (!take(',')) return take('}');
            skip_white_space();
        }
    }

    bool array(std::size_t depth) {
        skip_white_space();
        if (take(']')) return true;
        while (true) {
            if (!value(nullptr, 0, depth)) return false;
            skip_white_space();
            if (!take(',')) return take(']');
            skip_white_space();
        }
    }

    /// RFC 8259, section 6. `as_sql_writes_it`: few digits, no exponent, nothing that would be left out when it is written again.
    bool number(std::string_view& out, bool& as_sql_writes_it) {
        const char* const begin = at_;
        const char* at = at_;
        const char* const end = end_;
        if (*at == '-') ++at;
        const char* const first = at;
        while (at != end && is_digit(*at)) ++at;
        const bool zero = at != first && *first == '0';
        if (at == first || (zero && at - first > 1)) return false;
        bool plain = !zero || first == begin;  // `-0` is written as 0
        if (at != end && *at == '.') {
            const char* const fraction = ++at;
            while (at != end && is_digit(*at)) ++at;
            if (at == fraction) return false;
            plain = at[-1] != '0';
        }
        if (at != end && (*at == 'e' || *at == 'E')) {
            ++at;
            if (at != end && (*at == '+' || *at == '-')) ++at;
            const char* const exponent = at;
            while (at != end && is_digit(*at)) ++at;
            if (at == exponent) return false;
            plain = false;
        }
        at_ = at;
        out = std::string_view(begin, static_cast<std::size_t>(at - begin));
        as_sql_writes_it = plain && out.size() <= Value::written_number_bytes_max;
        return out.size() <= number_bytes_max;
    }

    bool string(std::string_view& out) {
        const char* begin = ++at_;
        at_ = end_of_plain_json(at_, end_);
        if (at_ == end_) return false;
        if (*at_ == '"') {
            out = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
            ++at_;
            return true;
        }
        return escaped_string(begin, out);
    }

    /// The buffer is as large as the payload from the start, so it never moves: a text without its escapes is shorter than with them.
    bool escaped_string(const char* begin, std::string_view& out) {
        const std::size_t first = unescaped_.size();
        at_ = begin;
        while (true) {
            const char* plain = at_;
            at_ = end_of_plain_json(at_, end_);
            unescaped_.append(plain, static_cast<std::size_t>(at_ - plain));
            if (at_ == end_) return false;
            if (*at_ == '"') break;
            if (*at_ != '\\' || !escape()) return false;
        }
        ++at_;
        out = std::string_view(unescaped_).substr(first);
        return true;
    }

    bool escape() {
        if (++at_ == end_) return false;
        constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        const char c = *at_++;
        if (c == 'u') return unicode_escape();
        const std::size_t which = letters.find(c);
        if (which == std::string_view::npos) return false;
        unescaped_ += meanings[which];
        return true;
    }

    bool four_digits(std::uint32_t& out) {
        if (end_ - at_ < 4) return false;
        out = 0;
        for (int i = 0; i < 4; ++i) {
            const int digit = hex_value(*at_++);
            if (digit < 0) return false;
            out = out * 16 + static_cast<std::uint32_t>(digit);
        }
        return true;
    }

    /// A lone surrogate is no character: the payload is not JSON.
    bool unicode_escape() {
        std::uint32_t code = 0;
        if (!four_digits(code) || (code >= 0xDC00 && code <= 0xDFFF)) return false;
        if (code >= 0xD800 && code <= 0xDBFF) {
            std::uint32_t low = 0;
            if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
            at_ += 2;
            if (!four_digits(low) || low < 0xDC00 || low > 0xDFFF) return false;
            code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
        }
        append_utf8(unescaped_, code);
        return true;
    }

    const char* at_;
    const char* end_;
    std::vector<Node>& nodes_;
    std::size_t count_ = 0;
    std::string& unescaped_;
};

bool Payload::parse(std::string_view json, bool scalars) {
    count_ = 0;
    unescaped_.clear();
    if (json.empty() || !simdjson::validate_utf8(json.data(), json.size())) return false;
    if (unescaped_.capacity() < json.size() && json.find('\\') != std::string_view::npos) unescaped_.reserve(json.size());
    Reader reader(json, nodes_, unescaped_);
    const bool good = reader.document() && (scalars || nodes_[0].type == Type::array || nodes_[0].type == Type::object);
    if (good) count_ = reader.count();
    return good;
}

}  // namespace fogbank::rules::sql
