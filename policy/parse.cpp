// JSON text to Document: the shape of a policy, not yet its meaning.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/common_errc.h"
#include "common/json.h"
#include "policy/detail/model.h"

namespace fogbank::policy {
namespace {

using nlohmann::json;

/// A document needs six levels: document, statements, statement, condition, operator, values.
constexpr std::size_t document_depth_max = 16;
/// Source: AWS IoT service model, PolicyDocument.
constexpr std::size_t document_text_bytes_max = 404'600;

Error malformed(std::string text) {
    return {Errc::malformed_document, std::move(text)};
}

/// Finds the first key that stands twice in one object; the JSON library silently keeps the last, which could turn a Deny into an Allow.
/// Source: IAM User Guide, grammar: "individual elements must not contain multiple instances of the same key".
class DuplicateKeyFinder final : public nlohmann::json_sax<json> {
  public:
    std::string found;

    bool start_object(std::size_t) override {
        keys_.emplace_back();
        return true;
    }
    bool end_object() override {
        keys_.pop_back();
        return true;
    }
    bool key(string_t& name) override {
        if (keys_.back().insert(name).second) return true;
        found = name;
        return false;
    }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  private:
    std::vector<std::set<std::string>> keys_;
};

/// A string or an array of strings.
Result<std::vector<std::string>> strings(std::size_t at, std::string_view element, const json& value) {
    if (value.is_string()) return std::vector<std::string>{value.get<std::string>()};
    const auto wrong = [&] { return statement_error(at, std::string(element) + " must be a string or an array of strings"); };
    if (!value.is_array()) return wrong();
    std::vector<std::string> out;
    for (const json& one : value) {
        if (!one.is_string()) return wrong();
        out.push_back(one.get<std::string>());
    }
    return out;
}

/// A string, boolean or number, or an array of these.
Result<std::vector<std::string>> condition_values(std::size_t at, const Condition& condition, const json& value) {
    const auto wrong = [&] {
        return statement_error(at, "Condition " + condition.operator_text + " " + condition.key +
                                       " must be a string, boolean or number, or an array of these");
    };
    std::vector<std::string> out;
    const auto add = [&out](const json& one) {
        if (!one.is_string() && !one.is_boolean() && !one.is_number()) return false;
        out.push_back(one.is_string() ? one.get<std::string>() : one.dump());
        return true;
    };
    if (!value.is_array()) {
        if (!add(value)) return wrong();
        return out;
    }
    for (const json& one : value) {
        if (!add(one)) return wrong();
    }
    return out;
}

Result<std::vector<Condition>> parse_conditions(std::size_t at, const json& element) {
    if (!element.is_object()) return statement_error(at, "Condition must be an object");
    std::vector<Condition> out;
    for (const auto& [operator_text, keys] : element.items()) {
        if (!keys.is_object()) return statement_error(at, "Condition " + operator_text + " must be an object");
        for (const auto& [key, value] : keys.items()) {
            Condition condition;
            condition.operator_text = operator_text;
            condition.key = key;
            auto values = condition_values(at, condition, value);
            if (!values) return values.error();
            condition.values = std::move(*values);
            out.push_back(std::move(condition));
        }
        // An operator without keys still has to be one that exists.
        if (keys.empty() && !parse_operator(operator_text)) return statement_error(at, "unknown Condition operator " + operator_text);
    }
    return out;
}

Result<void> take_strings(std::size_t at, const std::string& name, const json& value, std::optional<std::vector<std::string>>& out) {
    auto list = strings(at, name, value);
    if (!list) return list.error();
    out = std::move(*list);
    return {};
}

Result<void> parse_element(std::size_t at, const std::string& name, const json& value, Statement& out) {
    if (name == "Action") return take_strings(at, name, value, out.action);
    if (name == "NotAction") return take_strings(at, name, value, out.not_action);
    if (name == "Resource") return take_strings(at, name, value, out.resource);
    if (name == "NotResource") return take_strings(at, name, value, out.not_resource);
    if (name == "Condition") {
        auto conditions = parse_conditions(at, value);
        if (!conditions) return conditions.error();
        out.conditions = std::move(*conditions);
        return {};
    }
    if (name == "Sid" || name == "Effect") {
        if (!value.is_string()) return statement_error(at, name + " must be a string");
        (name == "Sid" ? out.sid : out.effect_text.emplace()) = value.get<std::string>();
        return {};
    }
    if (name == "Principal" || name == "NotPrincipal")
        return statement_error(at, name + " is not allowed: the policy applies to what it is attached to");
    return statement_error(at, "unknown element " + name);
}

Result<Statement> parse_statement(std::size_t at, const json& value) {
    if (!value.is_object()) return statement_error(at, "must be an object");
    Statement out;
    for (const auto& [name, element] : value.items()) {
        if (auto done = parse_element(at, name, element, out); !done) return done.error();
    }
    return out;
}

Result<std::vector<Statement>> parse_statements(const json& value) {
    if (!value.is_array() && !value.is_object()) return malformed("Statement must be an object or an array of objects");
    std::vector<Statement> out;
    const json* list = &value;
    const std::size_t count = value.is_array() ? value.size() : 1;
    for (std::size_t at = 0; at < count; ++at) {
        auto statement = parse_statement(at, value.is_array() ? (*list)[at] : *list);
        if (!statement) return statement.error();
        out.push_back(std::move(*statement));
    }
    return out;
}

Result<Document> parse_root(const json& root) {
    if (!root.is_object()) return malformed("the document must be an object");
    Document out;
    for (const auto& [name, value] : root.items()) {
        if (name == "Version" || name == "Id") {
            if (!value.is_string()) return malformed(name + " must be a string");
            if (name == "Version") out.version = value.get<std::string>();
        } else if (name == "Statement") {
            auto statements = parse_statements(value);
            if (!statements) return statements.error();
            out.statements = std::move(*statements);
        } else {
            return malformed("unknown element " + name);
        }
    }
    if (!root.contains("Statement")) return malformed("Statement is missing");
    return out;
}

/// AWS counts characters without white space; a character's UTF-8 continuation bytes are not counted.
std::size_t counted_characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return c != ' ' && c != '\t' && c != '\n' && c != '\r' && (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

}  // namespace

Error statement_error(std::size_t statement, std::string_view what) {
    return malformed("statement " + std::to_string(statement) + ": " + std::string(what));
}

Result<Document> parse_document(std::string_view text) {
    const auto root = parse_json(text, {document_text_bytes_max, document_depth_max});
    if (!root) return malformed(root.error().message);
    DuplicateKeyFinder finder;
    if (!json::sax_parse(text, &finder)) return malformed("key " + finder.found + " stands twice in one object");
    return parse_root(*root);
}

Result<Policy> Policy::parse(std::string name, std::string_view json_text, std::size_t document_bytes_max) {
    if (const std::size_t size = counted_characters(json_text); size > document_bytes_max) {
        return Error(Errc::document_too_large, "the document has " + std::to_string(size) + " characters without white space, at most " +
                                                   std::to_string(document_bytes_max));
    }
    auto document = parse_document(json_text);
    if (!document) return document.error();
    if (auto valid = validate(*document); !valid) return valid.error();
    return Policy(std::move(name), std::make_shared<const Document>(std::move(*document)));
}

}  // namespace fogbank::policy
