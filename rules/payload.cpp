#include "rules/payload.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace fogbank::rules::sql {
namespace {

/// Objects with more members look their names up in a hash table instead of one by one.
constexpr std::size_t linear_members_max = 16;

Value number_value(std::string_view text, bool as_sql_writes_it, Version version) {
    if (as_sql_writes_it) return Value::written_number(text);
    const auto number = Decimal::parse_rounded(text, Decimal::sql_digits);
    if (!number) return {};
    return text.find_first_of(".eE") == std::string_view::npos ? Value::integer(*number) : Value::decimal(*number, version);
}

}  // namespace

Value Payload::root(Version version) const {
    return is_json() ? value_at(0, version) : Value();
}

Value Payload::find(std::span<const std::string> path, Version version, std::size_t& looked_at, std::size_t& copied) const {
    if (!is_json()) return {};
    std::size_t at = 0;
    for (const std::string& name : path) {
        if (nodes_[at].type != Type::object) return {};
        std::size_t found = 0;
        // The last of several members of one name wins, so all are looked at.
        const Node* const nodes = nodes_.data();
        const std::size_t bytes = name.size();
        const char first = name.empty() ? '\0' : name.front();
        const std::size_t end = nodes[at].end;
        std::size_t passed = 0;
        for (std::size_t child = at + 1; child < end; child = nodes[child].end, ++passed) {
            const Node& node = nodes[child];
            if (node.key_bytes != bytes) continue;
            if (bytes == 0 || (node.key_begin[0] == first && std::memcmp(node.key_begin, name.data(), bytes) == 0)) found = child;
        }
        looked_at += passed;
        if (found == 0) return {};
        at = found;
    }
    copied += nodes_[at].end - at;
    return value_at(at, version);
}

Value Payload::value_at(std::size_t index, Version version) const {
    const Node& node = nodes_[index];
    switch (node.type) {
        case Type::null:
            return Value::null();
        case Type::boolean:
            return Value::boolean(node.flag);
        case Type::number:
            return number_value(node.text(), node.flag, version);
        case Type::string:
            return Value::string(Text::borrowed(node.text()));
        case Type::array:
            return array_at(index, version);
        case Type::object:
            break;
    }
    return object_at(index, version);
}

Value Payload::array_at(std::size_t index, Version version) const {
    Array items;
    for (std::size_t child = index + 1; child < nodes_[index].end; child = nodes_[child].end) items.push_back(value_at(child, version));
    return Value::array(std::move(items));
}

Value Payload::object_at(std::size_t index, Version version) const {
    std::vector<std::size_t> children;
    for (std::size_t child = index + 1; child < nodes_[index].end; child = nodes_[child].end) children.push_back(child);
    Object members;
    members.reserve(children.size());
    if (children.size() <= linear_members_max) {
        for (const std::size_t child : children) members.set(Text::borrowed(nodes_[child].key()), value_at(child, version));
        return Value::object(std::move(members));
    }
    std::unordered_map<std::string_view, std::size_t> last;
    for (const std::size_t child : children) last[nodes_[child].key()] = child;
    for (const std::size_t child : children) {
        if (const auto found = last.find(nodes_[child].key()); found != last.end()) {
            members.append(Text::borrowed(nodes_[child].key()), value_at(found->second, version));
            last.erase(found);
        }
    }
    return Value::object(std::move(members));
}

}  // namespace fogbank::rules::sql
