// JSON text → Value. Own, because numbers have to come back as they were sent. Source: RFC 8259.
#include <algorithm>
#include <optional>

#include "common/encoding.h"
#include "shadow/errc.h"
#include "shadow/value.h"

namespace fogbank::shadow {
namespace {

/// Room that an object's first member makes; most have a few.
constexpr std::size_t members_at_first = 4;

class Parser {
  public:
    Parser(std::string_view text, const ValueLimits& limits) : text_(text), limits_(limits) {}

    Result<Value> run() {
        Value out;
        if (!value(out, 0)) return failure();
        skip_space();
        if (at_ != text_.size()) return failure();
        return out;
    }

  private:
    Error failure() const {
        if (too_deep_) return Error(Errc::invalid_request, "JSON contains too many levels of nesting; maximum is 6");
        return Error(Errc::invalid_request, "Invalid JSON");
    }

    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool take(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    bool value(Value& out, std::size_t level) {
        skip_space();
        if (at_ >= text_.size()) return false;
        switch (text_[at_]) {
            case '{':
                return object(out, level + 1);
            case '[':
                return array(out, level + 1);
            case '"':
                out.kind = Value::Kind::string;
                return string(out.text);
            case 't':
                return word(out, "true");
            case 'f':
                return word(out, "false");
            case 'n':
                return take("null");
            default:
                return number(out);
        }
    }

    bool word(Value& out, std::string_view text) {
        out.kind = Value::Kind::boolean;
        out.text = text;
        return take(text);
    }

    bool enter(std::size_t level) {
        if (level <= limits_.levels_max) return true;
        too_deep_ = true;
        return false;
    }

    bool object(Value& out, std::size_t level) {
        if (!enter(level)) return false;
        out.kind = Value::Kind::object;
        ++at_;
        skip_space();
        if (take('}')) return true;
        do {
            skip_space();
            if (out.members.empty()) out.members.reserve(members_at_first);
            Member& member = out.members.emplace_back();
            if (!string(member.name)) return false;
            skip_space();
            if (!take(':') || !value(member.value, level)) return false;
            skip_space();
        } while (take(','));
        if (!take('}')) return false;
        keep_last_of_each_name(out.members);
        return true;
    }

    bool array(Value& out, std::size_t level) {
        if (!enter(level)) return false;
        out.kind = Value::Kind::array;
        ++at_;
        skip_space();
        if (take(']')) return true;
        do {
            if (!value(out.elements.emplace_back(), level)) return false;
            skip_space();
        } while (take(','));
        return take(']');
    }

    static bool has_twins(const std::vector<Member>& members) {
        for (std::size_t i = 1; i < members.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (members[i].name == members[j].name) return true;
            }
        }
        return false;
    }

    static void keep_last_of_each_name(std::vector<Member>& members) {
        constexpr std::size_t compared_pairwise_max = 16;
        if (members.size() <= compared_pairwise_max && !has_twins(members)) return;
        std::vector<std::size_t> order(members.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return members[a].name < members[b].name; });
        std::vector<bool> drop(members.size());
        bool any = false;
        for (std::size_t i = 0; i + 1 < order.size(); ++i) {
            if (members[order[i]].name == members[order[i + 1]].name) any = drop[order[i]] = true;
        }
        if (!any) return;
        std::vector<Member> kept;
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (!drop[i]) kept.push_back(std::move(members[i]));
        }
        members = std::move(kept);
    }

    bool digits() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
        return at_ > begin;
    }

    bool number(Value& out) {
        const std::size_t begin = at_;
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (!digits()) return false;
        }
        out.kind = Value::Kind::number;
        out.text = text_.substr(begin, at_ - begin);
        return true;
    }

    bool string(std::string& out) {
        if (!take('"')) return false;
        while (at_ < text_.size()) {
            const std::size_t plain = at_;
            while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && static_cast<unsigned char>(text_[at_]) >= 0x20) ++at_;
            out += text_.substr(plain, at_ - plain);
            if (take('"')) return true;
            if (!take('\\') || !escape(out)) return false;
        }
        return false;
    }

    bool escape(std::string& out) {
        if (at_ >= text_.size()) return false;
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        const char c = text_[at_++];
        if (c == 'u') return unicode_escape(out);
        const auto which = letters.find(c);
        if (which == std::string_view::npos) return false;
        out.push_back(meanings[which]);
        return true;
    }

    std::optional<std::uint32_t> four_digits() {
        if (text_.size() - at_ < 4) return std::nullopt;
        std::uint32_t out = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = text_[at_++];
            const bool digit = c >= '0' && c <= '9';
            const auto letter = static_cast<char>(c | 0x20);
            if (!digit && (letter < 'a' || letter > 'f')) return std::nullopt;
            out = out * 16 + static_cast<std::uint32_t>(digit ? c - '0' : letter - 'a' + 10);
        }
        return out;
    }

    bool unicode_escape(std::string& out) {
        auto code = four_digits();
        if (!code) return false;
        if (*code >= 0xD800 && *code < 0xDC00) {
            if (!take("\\u")) return false;
            const auto low = four_digits();
            if (!low || *low < 0xDC00 || *low >= 0xE000) return false;
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        } else if (*code >= 0xDC00 && *code < 0xE000) {
            return false;  // half a character cannot be written as UTF-8 again
        }
        append_utf8(out, *code);
        return true;
    }

    static void append_utf8(std::string& out, std::uint32_t code) {
        const auto push = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
        if (code < 0x80) {
            push(code);
        } else if (code < 0x800) {
            push(0xC0 | (code >> 6));
            push(0x80 | (code & 0x3F));
        } else if (code < 0x10000) {
            push(0xE0 | (code >> 12));
            push(0x80 | ((code >> 6) & 0x3F));
            push(0x80 | (code & 0x3F));
        } else {
            push(0xF0 | (code >> 18));
            push(0x80 | ((code >> 12) & 0x3F));
            push(0x80 | ((code >> 6) & 0x3F));
            push(0x80 | (code & 0x3F));
        }
    }

    std::string_view text_;
    ValueLimits limits_;
    std::size_t at_ = 0;
    bool too_deep_ = false;
};

}  // namespace

Result<Value> parse_value(std::string_view json, const ValueLimits& limits) {
    if (json.size() > limits.bytes_max) return Error(Errc::document_too_large, "The payload exceeds the maximum size allowed");
    if (!is_valid_utf8(json)) return Error(Errc::unsupported_encoding, "Unsupported documented encoding; supported encoding is UTF-8");
    return Parser(json, limits).run();
}

}  // namespace fogbank::shadow
