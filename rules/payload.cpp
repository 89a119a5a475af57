#include "rules/payload.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace fogbank::rules::sql {
namespace {

/// Objects with more members look their names up in a hash table instead of one by one.
constexpr std::size_t linear_members_max = 16;

/// Tags of so many nodes are looked through in the time that it takes to go from one member to the next.
constexpr std::size_t nodes_per_member = 16;

Value number_value(std::string_view text, bool as_sql_writes_it, Version version) {
    if (as_sql_writes_it) return Value::written_number(text);
    const auto number = Decimal::parse_rounded(text, Decimal::sql_digits);
    if (!number) return {};
    return text.find_first_of(".eE") == std::string_view::npos ? Value::integer(*number) : Value::decimal(*number, version);
}

}  // namespace

Value Payload::root(Version version) const {
    return is_json() ? value(0, version) : Value();
}

std::uint32_t Payload::locate(std::span<const std::string> path, std::size_t& looked_at) const {
    if (!is_json()) return no_node;
    std::size_t at = 0;
    for (const std::string& name : path) {
        at = nodes_[at].type == Type::object ? member_of(at, name, looked_at) : 0;
        if (at == 0) return no_node;
    }
    return static_cast<std::uint32_t>(at);
}

std::string_view Payload::json(std::uint32_t node) const {
    const Node& at = nodes_[node];
    switch (at.type) {
        case Type::null:
            return "null";
        case Type::boolean:
            return at.flag ? "true" : "false";
        case Type::number:
            return at.flag ? at.text() : std::string_view();
        case Type::string:
            return escapes_ ? std::string_view() : std::string_view(at.text_begin - 1, at.text_bytes + std::size_t{2});
        default:
            return {};
    }
}

std::size_t Payload::member_of(std::size_t index, std::string_view name, std::size_t& looked_at) const {
    const Node* const nodes = nodes_.data();
    const Node& object = nodes[index];
    const std::size_t nodes_below = object.end - index - 1;
    const auto is_it = [&](const Node& node) {
        return node.key_bytes == name.size() && (name.empty() || std::memcmp(node.key_begin, name.data(), name.size()) == 0);
    };
    // The last of several members of one name counts.
    if (object.members < nodes_below / nodes_per_member) {
        std::size_t found = 0;
        for (std::size_t child = index + 1; child < object.end; child = behind(child)) {
            if (is_it(nodes[child])) found = child;
        }
        looked_at += object.members;
        return found;
    }
    looked_at += nodes_below / nodes_per_member;
    const std::uint8_t* const first = tags_.data() + index + 1;
    std::size_t left = nodes_below;
    while (const void* tag = memrchr(first, tag_of(name), left)) {
        left = static_cast<std::size_t>(static_cast<const std::uint8_t*>(tag) - first);
        ++looked_at;
        const Node& node = nodes[index + 1 + left];
        if (node.parent == index && is_it(node)) return index + 1 + left;
    }
    return 0;
}

Value Payload::value(std::size_t index, Version version) const {
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
    for (std::size_t child = index + 1; child < nodes_[index].end; child = behind(child)) items.push_back(value(child, version));
    return Value::array(std::move(items));
}

Value Payload::object_at(std::size_t index, Version version) const {
    std::vector<std::size_t> children;
    for (std::size_t child = index + 1; child < nodes_[index].end; child = behind(child)) children.push_back(child);
    Object members;
    members.reserve(children.size());
    if (children.size() <= linear_members_max) {
        for (const std::size_t child : children) members.set(Text::borrowed(nodes_[child].key()), value(child, version));
        return Value::object(std::move(members));
    }
    std::unordered_map<std::string_view, std::size_t> last;
    for (const std::size_t child : children) last[nodes_[child].key()] = child;
    for (const std::size_t child : children) {
        if (const auto found = last.find(nodes_[child].key()); found != last.end()) {
            members.append(Text::borrowed(nodes_[child].key()), value(found->second, version));
            last.erase(found);
        }
    }
    return Value::object(std::move(members));
}

}  // namespace fogbank::rules::sql
