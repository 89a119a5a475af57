// Reading JSON into nodes (Payload::parse, declared in rules/payload.h).
//
// Two passes, everything checked, nothing copied but strings with escapes. simdjson's first stage finds where each brace, colon, comma,
// string and other scalar begins, and judges UTF-8 and control bytes in strings; the second pass goes from one such place to the next.
// simdjson's own second passes do not fit: its document has no texts of numbers, and its on-demand one judges only what is asked for, while
// a payload with an error at its end is no JSON for any rule.

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>

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

/// What ends at `end`, where a string with escapes may be anywhere.
class Unescaper {
  public:
    /// `out` must have room for all strings of the text, so that it never moves: a text without its escapes is shorter than with them.
    Unescaper(const char* end, std::string& out) : end_(end), out_(out) {}

    /// A string of which `begin` is the first byte behind its quote; one without data if it has a false escape.
    std::string_view string(const char* begin) {
        at_ = end_of_plain_json(begin, end_);
        if (at_ != end_ && *at_ == '"') return {begin, static_cast<std::size_t>(at_ - begin)};
        const std::size_t first = out_.size();
        at_ = begin;
        while (true) {
            const char* plain = at_;
            at_ = end_of_plain_json(at_, end_);
            out_.append(plain, static_cast<std::size_t>(at_ - plain));
            if (at_ == end_) return {};
            if (*at_ == '"') break;
            if (*at_ != '\\' || !escape()) return {};
        }
        return std::string_view(out_).substr(first);
    }

  private:
    bool escape() {
        if (++at_ == end_) return false;
        constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        const char c = *at_++;
        if (c == 'u') return unicode_escape();
        const std::size_t which = letters.find(c);
        if (which == std::string_view::npos) return false;
        out_ += meanings[which];
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
        append_utf8(out_, code);
        return true;
    }

    const char* at_ = nullptr;
    const char* end_;
    std::string& out_;
};

}  // namespace

/// The second pass. Lives in registers as long as nothing but inlined functions see its address.
class Payload::Reader {
  public:
    /// `places`: from simdjson's first stage, with the text's length behind the last of them. `nodes` and `tags` have room for one each per
    /// place. `unescaper` is null if the text has no escapes.
    Reader(std::string_view text, std::span<const std::uint32_t> places, Unescaper* unescaper, Node* nodes, std::uint8_t* tags)
        : begin_(text.data()),
          place_(places.data()),
          last_(places.data() + places.size()),
          unescaper_(unescaper),
          nodes_(nodes),
          next_(nodes),
          tags_(tags) {}

    /// A whole document.
    [[gnu::always_inline]] bool document() {
        // A text that ends in a scalar is one: then there is always something behind a name, a colon, a comma and an opening brace.
        const char* const last = begin_ + last_[-1];
        if (*last != '}' && *last != ']') return last_ - place_ == 1 && scalar(take(), *next_++);
        std::array<Node*, payload_depth_max> open;
        std::size_t depth = 0;
        while (true) {
            Node& node = *next_++;
            node.parent = depth == 0 ? 0 : index_of(open[depth - 1]);
            const char* const at = take();
            if (*at == '{' || *at == '[') {
                if (depth == payload_depth_max) return false;
                node.type = *at == '{' ? Type::object : Type::array;
                node.members = 0;
                open[depth++] = &node;
                if (*here() != closing(node)) {
                    if (!begin_member(node)) return false;
                    continue;
                }
            } else if (!scalar(at, node)) {
                return false;
            }
            if (!end_values(open.data(), depth)) return false;
            if (depth == 0) return place_ == last_;
        }
    }
    std::size_t count() const { return index_of(next_); }

  private:
    const char* here() const { return begin_ + *place_; }
    const char* take() { return begin_ + *place_++; }
    std::uint32_t index_of(const Node* node) const { return static_cast<std::uint32_t>(node - nodes_); }
    static char closing(const Node& container) { return container.type == Type::object ? '}' : ']'; }

    /// Up to the next value, or to the end of the document, which is at depth 0.
    [[gnu::always_inline]] bool end_values(Node* const* open, std::size_t& depth) {
        while (depth != 0) {
            if (place_ == last_) return false;
            Node& container = *open[depth - 1];
            const char c = *take();
            if (c == ',') return begin_member(container);
            if (c != closing(container)) return false;
            container.end = index_of(next_);
            --depth;
        }
        return true;
    }

    /// Up to the value of a member or item.
    [[gnu::always_inline]] bool begin_member(Node& container) {
        ++container.members;
        std::uint8_t& tag = tags_[index_of(next_)];
        tag = 0;
        if (container.type == Type::array) return true;
        const char* const at = take();
        if (*at != '"') return false;
        const std::string_view key = string(at);
        if (key.data() == nullptr || *take() != ':') return false;
        next_->key_begin = key.data();
        next_->key_bytes = static_cast<std::uint32_t>(key.size());
        tag = tag_of(key);
        return true;
    }

    [[gnu::always_inline]] bool scalar(const char* at, Node& node) {
        switch (*at) {
            case '"':
                node.type = Type::string;
                set_text(node, string(at));
                return node.text_begin != nullptr;
            case 't':
                node.type = Type::boolean;
                node.flag = true;
                return word(at, "true");
            case 'f':
                node.type = Type::boolean;
                node.flag = false;
                return word(at, "false");
            case 'n':
                node.type = Type::null;
                return word(at, "null");
            default:
                node.type = Type::number;
                return number(at, node);
        }
    }

    /// Whether nothing but white space lies between `at` and what begins next: then a scalar that ends at `at` is whole.
    bool ends_at(const char* at) const { return at == here() || *at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'; }

    bool word(const char* at, std::string_view text) const {
        return static_cast<std::size_t>(here() - at) >= text.size() && std::memcmp(at, text.data(), text.size()) == 0 &&
               ends_at(at + text.size());
    }

    static void set_text(Node& node, std::string_view text) {
        node.text_begin = text.data();
        node.text_bytes = static_cast<std::uint32_t>(text.size());
    }

    /// RFC 8259, section 6. Flagged as SQL would write it: few digits, no exponent, nothing that would be left out when it is written
    /// again.
    [[gnu::always_inline]] bool number(const char* const begin, Node& node) const {
        const char* at = begin;
        const char* const end = here();
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
        const auto bytes = static_cast<std::size_t>(at - begin);
        set_text(node, std::string_view(begin, bytes));
        node.flag = plain && bytes <= Value::written_number_bytes_max;
        return bytes <= number_bytes_max && ends_at(at);
    }

    /// Strings are closed and without control bytes, or the first stage would have failed. Without escapes in the text, the last byte
    /// before what begins next, but for white space, is the closing quote.
    [[gnu::always_inline]] std::string_view string(const char* const begin) {
        if (unescaper_ != nullptr) return unescaper_->string(begin + 1);
        const char* last = here() - 1;
        while (*last != '"') --last;
        return {begin + 1, static_cast<std::size_t>(last - begin - 1)};
    }

    const char* begin_;
    const std::uint32_t* place_;
    const std::uint32_t* last_;
    Unescaper* unescaper_;
    Node* nodes_;
    Node* next_;
    std::uint8_t* tags_;
};

/// Where everything begins in one text at a time; keeps its memory, four bytes for each byte of the longest text.
class Payload::Structure {
  public:
    /// The places, with the text's length behind the last one; none if the text is not UTF-8 or a string in it is not closed or has a
    /// control byte.
    std::span<const std::uint32_t> find(std::string_view text) {
        if (!room_for(text.size())) throw std::bad_alloc();
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
        if (parser_->stage1(bytes, text.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS) return {};
        return {parser_->structural_indexes.get(), parser_->n_structural_indexes};
    }

  private:
    static constexpr std::size_t bytes_at_first = 1024;

    bool room_for(std::size_t bytes) {
        if (parser_ != nullptr && parser_->capacity() >= bytes) return true;
        const std::size_t capacity = std::bit_ceil(std::max(bytes, bytes_at_first));
        if (parser_ != nullptr) return parser_->set_capacity(capacity) == simdjson::SUCCESS;
        return simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, parser_) == simdjson::SUCCESS;
    }

    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser_;
};

Payload::Payload() = default;
Payload::~Payload() = default;

bool Payload::parse(std::string_view json, bool scalars) {
    count_ = 0;
    unescaped_.clear();
    if (json.empty()) return false;
    if (structure_ == nullptr) structure_ = std::make_unique<Structure>();
    const std::span<const std::uint32_t> places = structure_->find(json);
    if (places.empty()) return false;
    if (nodes_.size() < places.size()) {
        nodes_.resize(std::bit_ceil(places.size()));
        tags_.resize(nodes_.size());
    }
    escapes_ = json.find('\\') != std::string_view::npos;
    if (escapes_ && unescaped_.capacity() < json.size()) unescaped_.reserve(json.size());
    Unescaper unescaper(json.data() + json.size(), unescaped_);
    Reader reader(json, places, escapes_ ? &unescaper : nullptr, nodes_.data(), tags_.data());
    const bool good = reader.document() && (scalars || nodes_[0].type == Type::array || nodes_[0].type == Type::object);
    if (good) count_ = reader.count();
    return good;
}

}  // namespace fogbank::rules::sql
