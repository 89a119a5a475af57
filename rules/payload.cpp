#include "rules/payload.h"

#include <simdjson.h>

#include <algorithm>
#include <unordered_map>

namespace fogbank::rules::sql {
namespace {

namespace ondemand = simdjson::ondemand;

/// Longest number text; more digits than this are no measurement. Fogbank's own bound.
constexpr std::size_t number_bytes_max = 2048;
/// Objects with more members look their names up in a hash table instead of one by one.
constexpr std::size_t linear_members_max = 16;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool take_digits(std::string_view& text) {
    const std::size_t before = text.size();
    while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
    return text.size() != before;
}

/// RFC 8259, section 6. simdjson does not look at numbers that are read as tokens.
bool is_json_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool leading_zero = text.starts_with('0');
    const std::size_t before = text.size();
    if (!take_digits(text) || (leading_zero && before - text.size() > 1)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    return text.empty();
}

/// simdjson's number tokens reach up to the next token.
std::string_view trimmed(std::string_view token) {
    while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' || token.back() == '\t'))
        token.remove_suffix(1);
    return token;
}

Value number_value(std::string_view text, Version version) {
    const auto number = Decimal::parse_rounded(text, Decimal::sql_digits);
    if (!number) return {};
    return text.find_first_of(".eE") == std::string_view::npos ? Value::integer(*number) : Value::decimal(*number, version);
}

}  // namespace

struct Payload::Parser {
    ondemand::parser json;
};

/// Walks the whole document once, because a payload with an error at its end is not JSON for any rule.
class Payload::Builder {
  public:
    explicit Builder(std::vector<Node>& nodes) : nodes_(nodes) {}

    template <class Source>
    bool add(Source& source, std::string_view key, std::size_t depth) {
        ondemand::json_type type{};
        if (source.type().get(type) != simdjson::SUCCESS) return false;
        const std::size_t index = nodes_.size();
        nodes_.emplace_back().key = key;
        if (!fill(source, type, index, depth)) return false;
        nodes_[index].end = static_cast<std::uint32_t>(nodes_.size());
        return true;
    }

  private:
    template <class Source>
    bool fill(Source& source, ondemand::json_type type, std::size_t index, std::size_t depth) {
        switch (type) {
            case ondemand::json_type::object:
                return depth < payload_depth_max && fill_object(source, index, depth);
            case ondemand::json_type::array:
                return depth < payload_depth_max && fill_array(source, index, depth);
            case ondemand::json_type::string:
                nodes_[index].type = Type::string;
                return source.get_string().get(nodes_[index].text) == simdjson::SUCCESS;
            case ondemand::json_type::number:
                return fill_number(source, index);
            case ondemand::json_type::boolean:
                nodes_[index].type = Type::boolean;
                return source.get_bool().get(nodes_[index].boolean) == simdjson::SUCCESS;
            case ondemand::json_type::null:
                break;
        }
        bool is_null = false;
        return source.is_null().get(is_null) == simdjson::SUCCESS && is_null;
    }

    template <class Source>
    bool fill_number(Source& source, std::size_t index) {
        std::string_view token;
        if (simdjson::simdjson_result<std::string_view>(source.raw_json_token()).get(token) != simdjson::SUCCESS) return false;
        nodes_[index].type = Type::number;
        nodes_[index].text = trimmed(token);
        return nodes_[index].text.size() <= number_bytes_max && is_json_number(nodes_[index].text);
    }

    template <class Source>
    bool fill_object(Source& source, std::size_t index, std::size_t depth) {
        nodes_[index].type = Type::object;
        ondemand::object object;
        if (source.get_object().get(object) != simdjson::SUCCESS) return false;
        for (auto member : object) {
            ondemand::field field;
            std::string_view key;
            if (std::move(member).get(field) != simdjson::SUCCESS || field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
            if (!add(field.value(), key, depth + 1)) return false;
        }
        return true;
    }

    template <class Source>
    bool fill_array(Source& source, std::size_t index, std::size_t depth) {
        nodes_[index].type = Type::array;
        ondemand::array array;
        if (source.get_array().get(array) != simdjson::SUCCESS) return false;
        for (auto item : array) {
            ondemand::value value;
            if (item.get(value) != simdjson::SUCCESS || !add(value, {}, depth + 1)) return false;
        }
        return true;
    }

    std::vector<Node>& nodes_;
};

Payload::Payload() : parser_(std::make_unique<Parser>()) {}
Payload::~Payload() = default;

bool Payload::parse(std::string_view json, bool scalars) {
    nodes_.clear();
    padded_.clear();
    padded_.reserve(json.size() + 2 + simdjson::SIMDJSON_PADDING);
    // A scalar is read as the only item of an Array: simdjson has a second set of rules for scalar documents.
    if (scalars) padded_ += '[';
    padded_.append(json);
    if (scalars) padded_ += ']';
    const std::size_t size = padded_.size();
    padded_.append(simdjson::SIMDJSON_PADDING, ' ');
    ondemand::document document;
    bool good = parser_->json.iterate(padded_.data(), size, padded_.size()).get(document) == simdjson::SUCCESS &&
                Builder(nodes_).add(document, {}, 0) && (nodes_[0].type == Type::array || nodes_[0].type == Type::object) &&
                document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    root_ = scalars ? 1 : 0;
    if (scalars) good = good && nodes_.size() > 1 && nodes_[1].end == nodes_.size();
    if (!good) nodes_.clear();
    return good;
}

Value Payload::root(Version version) const {
    return is_json() ? value_at(root_, version) : Value();
}

Value Payload::find(std::span<const std::string> path, Version version, std::size_t& looked_at, std::size_t& copied) const {
    if (!is_json()) return {};
    std::size_t at = root_;
    for (const std::string& name : path) {
        if (nodes_[at].type != Type::object) return {};
        std::size_t found = 0;
        // The last of several members of one name wins, so all are looked at.
        for (std::size_t child = at + 1; child < nodes_[at].end; child = nodes_[child].end) {
            ++looked_at;
            if (nodes_[child].key == name) found = child;
        }
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
            return Value::boolean(node.boolean);
        case Type::number:
            return number_value(node.text, version);
        case Type::string:
            return Value::string(Text::borrowed(node.text));
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
        for (const std::size_t child : children) members.set(Text::borrowed(nodes_[child].key), value_at(child, version));
        return Value::object(std::move(members));
    }
    std::unordered_map<std::string_view, std::size_t> last;
    for (const std::size_t child : children) last[nodes_[child].key] = child;
    for (const std::size_t child : children) {
        if (const auto found = last.find(nodes_[child].key); found != last.end()) {
            members.append(Text::borrowed(nodes_[child].key), value_at(found->second, version));
            last.erase(found);
        }
    }
    return Value::object(std::move(members));
}

}  // namespace fogbank::rules::sql
