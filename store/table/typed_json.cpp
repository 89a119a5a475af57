// DynamoDB's typed JSON through nlohmann's library, and the fast way out to text.

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "common/plain_json.h"
#include "store/table/detail/typed_json_reader.h"
#include "store/table/json.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

class NlohmannView {
  public:
    explicit NlohmannView(const json& value) : value_(&value) {}
    JsonKind kind() const {
        switch (value_->type()) {
            case json::value_t::object:
                return JsonKind::object;
            case json::value_t::array:
                return JsonKind::list;
            case json::value_t::string:
                return JsonKind::string;
            case json::value_t::boolean:
                return JsonKind::boolean;
            case json::value_t::number_float:
                return JsonKind::decimal;
            case json::value_t::number_integer:
            case json::value_t::number_unsigned:
                return JsonKind::integer;
            default:
                return JsonKind::null;
        }
    }
    std::string_view text() const { return value_->get_ref<const std::string&>(); }
    bool boolean() const { return value_->get<bool>(); }
    template <class F>
    Result<void> each_member(const F& f) const {
        for (const auto& [name, member] : value_->items()) {
            if (auto done = f(std::string_view(name), NlohmannView(member)); !done) return done;
        }
        return {};
    }
    template <class F>
    Result<void> each_element(const F& f) const {
        for (const auto& one : *value_) {
            if (auto done = f(NlohmannView(one)); !done) return done;
        }
        return {};
    }

  private:
    const json* value_;
};

struct Writer {
    json operator()(const std::string& text) const { return text; }
    json operator()(const Decimal& number) const { return number.to_plain_string(); }
    json operator()(const Binary& binary) const { return base64_encode(binary.bytes); }
    json operator()(bool boolean) const { return boolean; }
    json operator()(Null) const { return true; }
    json operator()(const std::unique_ptr<Item>& map) const { return map ? typed_json(*map) : json::object(); }
    json operator()(const List& list) const {
        json out = json::array();
        for (const auto& value : list) out.push_back(typed_json(value));
        return out;
    }
    template <class Element>
    json operator()(const std::set<Element>& set) const {
        json out = json::array();
        for (const auto& element : set) out.push_back((*this)(element));
        return out;
    }
};

void append_map(std::string& out, const Item& map);

/// Appends a value's content behind its type.
struct TextWriter {
    std::string& out;

    void operator()(const std::string& text) const { append_json_string(out, text); }
    void operator()(const Decimal& number) const { ((out += '"') += number.to_plain_string()) += '"'; }
    void operator()(const Binary& binary) const { ((out += '"') += base64_encode(binary.bytes)) += '"'; }
    void operator()(bool boolean) const { out += boolean ? "true" : "false"; }
    void operator()(Null) const { out += "true"; }
    void operator()(const std::unique_ptr<Item>& map) const { map ? append_map(out, *map) : void(out += "{}"); }
    void operator()(const List& list) const {
        out += '[';
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (i != 0) out += ',';
            append_typed_json(out, list[i]);
        }
        out += ']';
    }
    template <class Element>
    void operator()(const std::set<Element>& set) const {
        out += '[';
        bool first = true;
        for (const auto& element : set) {
            if (!first) out += ',';
            first = false;
            (*this)(element);
        }
        out += ']';
    }
};

void append_map(std::string& out, const Item& map) {
    out += '{';
    bool first = true;
    for (const auto& [name, value] : map) {
        if (!first) out += ',';
        first = false;
        append_json_string(out, name);
        out += ':';
        append_typed_json(out, value);
    }
    out += '}';
}

void append_escaped(std::string& out, unsigned char c) {
    static constexpr std::string_view digits = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            ((out += "\\u00") += digits[c >> 4]) += digits[c & 15];
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (;;) {
        const std::size_t plain = plain_json_bytes(text);
        out.append(text.substr(0, plain));
        if (plain == text.size()) break;
        append_escaped(out, static_cast<unsigned char>(text[plain]));
        text.remove_prefix(plain + 1);
    }
    out += '"';
}

void append_typed_json(std::string& out, const AttributeValue& value) {
    ((out += "{\"") += value.type_name()) += "\":";
    std::visit(TextWriter{out}, value.storage());
    out += '}';
}

void append_typed_json(std::string& out, const Item& item) {
    append_map(out, item);
}

Result<AttributeValue> attribute_value_from_typed_json(const json& value) {
    return TypedJsonReader<NlohmannView>::value(NlohmannView(value), 0);
}

Result<Item> item_from_typed_json(const json& value) {
    return TypedJsonReader<NlohmannView>::map(NlohmannView(value), 0);
}

json typed_json(const AttributeValue& value) {
    json out = json::object();
    out[std::string(value.type_name())] = std::visit(Writer(), value.storage());
    return out;
}

json typed_json(const Item& item) {
    json out = json::object();
    for (const auto& [name, value] : item) out[name] = typed_json(value);
    return out;
}

}  // namespace fogbank::store::table
