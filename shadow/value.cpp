#include "shadow/value.h"

#include <algorithm>
#include <numeric>

#include "common/plain_json.h"
#include "shadow/detail/number.h"

namespace fogbank::shadow {

Value* Value::find(std::string_view name) {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.name == name; });
    return found == members.end() ? nullptr : &found->value;
}

const Value* Value::find(std::string_view name) const {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.name == name; });
    return found == members.end() ? nullptr : &found->value;
}

Value Value::object() {
    Value out;
    out.kind = Kind::object;
    return out;
}

MemberIndex::MemberIndex(const std::vector<Member>& members) : members_(members) {
    if (members.size() <= linear_max) return;
    sorted_.resize(members.size());
    std::iota(sorted_.begin(), sorted_.end(), 0U);
    std::sort(sorted_.begin(), sorted_.end(), [&](std::uint32_t a, std::uint32_t b) { return members[a].name < members[b].name; });
}

std::size_t MemberIndex::find(std::string_view name) const {
    if (sorted_.empty()) {
        for (std::size_t i = 0; i < members_.size(); ++i) {
            if (members_[i].name == name) return i;
        }
        return npos;
    }
    const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), name,
                                     [&](std::uint32_t i, std::string_view wanted) { return members_[i].name < wanted; });
    return at != sorted_.end() && members_[*at].name == name ? *at : npos;
}

namespace {

bool equal_members(const std::vector<Member>& a, const std::vector<Member>& b) {
    if (a.size() != b.size()) return false;
    const MemberIndex index(b);
    return std::all_of(a.begin(), a.end(), [&](const Member& member) {
        const std::size_t at = index.find(member.name);
        return at != MemberIndex::npos && equal(member.value, b[at].value);
    });
}

}  // namespace

bool equal(const Value& a, const Value& b) {
    if (a.kind != b.kind) return false;
    switch (a.kind) {
        case Value::Kind::null:
            return true;
        case Value::Kind::boolean:
        case Value::Kind::string:
            return a.text == b.text;
        case Value::Kind::number:
            return detail::equal_numbers(a.text, b.text);
        case Value::Kind::array:
            return std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(), equal);
        case Value::Kind::object:
            return equal_members(a.members, b.members);
    }
    return false;
}

void stamp(Value& value, std::int64_t timestamp_s) {
    value.timestamp_s = timestamp_s;
    for (Value& element : value.elements) stamp(element, timestamp_s);
    for (Member& member : value.members) stamp(member.value, timestamp_s);
}

bool has_null_in_array(const Value& value) {
    for (const Value& element : value.elements) {
        if (element.is_null() || has_null_in_array(element)) return true;
    }
    return std::any_of(value.members.begin(), value.members.end(), [](const Member& member) { return has_null_in_array(member.value); });
}

std::size_t levels(const Value& value) {
    std::size_t below = 0;
    for (const Value& element : value.elements) below = std::max(below, levels(element));
    for (const Member& member : value.members) below = std::max(below, levels(member.value));
    return value.kind == Value::Kind::array || value.kind == Value::Kind::object ? below + 1 : 0;
}

namespace {

void append_escaped(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
    } else if (c == '\n') {
        out += "\\n";
    } else if (c == '\r') {
        out += "\\r";
    } else if (c == '\t') {
        out += "\\t";
    } else {
        out += "\\u00";
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 0xF]);
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    while (!text.empty()) {
        const std::size_t plain = plain_json_bytes(text);
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        append_escaped(out, text.front());
        text.remove_prefix(1);
    }
    out.push_back('"');
}

namespace {

/// `leaf(out, value)` writes what stands for a leaf; the rest is common to values and metadata.
template <class Leaf>
void append_tree(std::string& out, const Value& value, const Leaf& leaf) {
    if (value.is_object()) {
        out.push_back('{');
        bool first = true;
        for (const Member& member : value.members) {
            if (!std::exchange(first, false)) out.push_back(',');
            append_json_string(out, member.name);
            out.push_back(':');
            append_tree(out, member.value, leaf);
        }
        out.push_back('}');
    } else if (value.kind == Value::Kind::array) {
        out.push_back('[');
        bool first = true;
        for (const Value& element : value.elements) {
            if (!std::exchange(first, false)) out.push_back(',');
            append_tree(out, element, leaf);
        }
        out.push_back(']');
    } else {
        leaf(out, value);
    }
}

}  // namespace

void append_json(std::string& out, const Value& value) {
    append_tree(out, value, [](std::string& text, const Value& leaf) {
        if (leaf.kind == Value::Kind::string) {
            append_json_string(text, leaf.text);
        } else {
            text += leaf.is_null() ? std::string_view("null") : std::string_view(leaf.text);
        }
    });
}

void append_metadata_json(std::string& out, const Value& value) {
    append_tree(out, value, [](std::string& text, const Value& leaf) {
        text += "{\"timestamp\":";
        text += std::to_string(leaf.timestamp_s);
        text.push_back('}');
    });
}

namespace {

std::size_t string_bytes(std::string_view text) {
    std::size_t out = text.size() + 2;
    for (const char c : text) {
        if (is_plain_json(c)) continue;
        const bool has_letter = c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t';
        out += has_letter ? 1 : 5;
    }
    return out;
}

}  // namespace

std::size_t json_bytes(const Value& value) {
    const std::size_t count = value.elements.size() + value.members.size();
    const std::size_t commas = count > 0 ? count - 1 : 0;
    std::size_t out = 0;
    switch (value.kind) {
        case Value::Kind::null:
            return 4;
        case Value::Kind::boolean:
        case Value::Kind::number:
            return value.text.size();
        case Value::Kind::string:
            return string_bytes(value.text);
        case Value::Kind::array:
            for (const Value& element : value.elements) out += json_bytes(element);
            break;
        case Value::Kind::object:
            for (const Member& member : value.members) out += string_bytes(member.name) + 1 + json_bytes(member.value);
            break;
    }
    return out + commas + 2;
}

std::string to_json(const Value& value) {
    std::string out;
    append_json(out, value);
    return out;
}

}  // namespace fogbank::shadow
