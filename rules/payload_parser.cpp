// Reading JSON into nodes (Payload::parse, declared in rules/payload.h).
//
// One pass, everything checked, nothing copied but strings with escapes. simdjson's on-demand parser is made for touching a few fields of a
// large document; here every byte must be judged, because a payload with an error at its end is no JSON for any rule, and numbers must keep
// their text.

#include <simdjson.h>

#include <cstring>

#include "rules/detail/plain_text.h"
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
    Reader(std::string_view text, std::vector<Node>& nodes, std::string& unescaped)
        : at_(text.data()), end_(text.data() + text.size()), nodes_(nodes), unescaped_(unescaped) {}

    /// A whole document.
    bool document() {
        skip_white_space();
        if (!value({}, 0)) return false;
        skip_white_space();
        return at_ == end_;
    }

  private:
    void skip_white_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    }
    /// Takes `c`, with white space around it.
    bool take(char c) {
        skip_white_space();
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        skip_white_space();
        return true;
    }

    bool value(std::string_view key, std::size_t depth) {
        if (at_ == end_) return false;
        const std::size_t index = nodes_.size();
        nodes_.emplace_back().key = key;
        if (!fill(index, depth)) return false;
        nodes_[index].end = static_cast<std::uint32_t>(nodes_.size());
        return true;
    }

    bool fill(std::size_t index, std::size_t depth) {
        switch (*at_) {
            case '"':
                nodes_[index].type = Type::string;
                return string(nodes_[index].text);
            case '{':
                nodes_[index].type = Type::object;
                return depth < payload_depth_max && object(depth + 1);
            case '[':
                nodes_[index].type = Type::array;
                return depth < payload_depth_max && array(depth + 1);
            case 't':
                nodes_[index].boolean = true;
                nodes_[index].type = Type::boolean;
                return word("true");
            case 'f':
                nodes_[index].type = Type::boolean;
                return word("false");
            case 'n':
                return word("null");
            default:
                nodes_[index].type = Type::number;
                return number(nodes_[index].text);
        }
    }

    bool word(std::string_view text) {
        if (static_cast<std::size_t>(end_ - at_) < text.size() || std::memcmp(at_, text.data(), text.size()) != 0) return false;
        at_ += text.size();
        return true;
    }

    bool object(std::size_t depth) {
        take('{');
        if (at_ != end_ && *at_ == '}') return ++at_, true;
        while (true) {
            std::string_view key;
            if (at_ == end_ || *at_ != '"' || !string(key) || !take(':') || !value(key, depth)) return false;
            if (!take(',')) break;
        }
        if (at_ == end_ || *at_ != '}') return false;
        ++at_;
        return true;
    }

    bool array(std::size_t depth) {
        take('[');
        if (at_ != end_ && *at_ == ']') return ++at_, true;
        while (true) {
            if (!value({}, depth)) return false;
            if (!take(',')) break;
        }
        if (at_ == end_ || *at_ != ']') return false;
        ++at_;
        return true;
    }

    bool digits() {
        const char* begin = at_;
        while (at_ != end_ && is_digit(*at_)) ++at_;
        return at_ != begin;
    }

    /// RFC 8259, section 6.
    bool number(std::string_view& out) {
        const char* begin = at_;
        if (*at_ == '-') ++at_;
        const bool zero = at_ != end_ && *at_ == '0';
        const char* first = at_;
        if (!digits() || (zero && at_ - first > 1)) return false;
        if (at_ != end_ && *at_ == '.') {
            ++at_;
            if (!digits()) return false;
        }
        if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
            if (!digits()) return false;
        }
        out = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
        return out.size() <= number_bytes_max;
    }

    bool string(std::string_view& out) {
        const char* begin = ++at_;
        at_ = end_of_plain(at_, end_);
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
            at_ = end_of_plain(at_, end_);
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
    std::string& unescaped_;
};

bool Payload::parse(std::string_view json, bool scalars) {
    nodes_.clear();
    unescaped_.clear();
    if (json.empty() || !simdjson::validate_utf8(json.data(), json.size())) return false;
    if (unescaped_.capacity() < json.size() && json.find('\\') != std::string_view::npos) unescaped_.reserve(json.size());
    const bool good =
        Reader(json, nodes_, unescaped_).document() && (scalars || nodes_[0].type == Type::array || nodes_[0].type == Type::object);
    if (!good) nodes_.clear();
    return good;
}

}  // namespace fogbank::rules::sql
