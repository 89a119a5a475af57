#include "registry/detail/template_value.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/json.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

/// No property is longer than a certificate; also bounds what nested functions can make.
constexpr std::size_t value_bytes_max = 65'536;
constexpr std::size_t list_items_max = 256;

Error wrong(std::string text) {
    return Error(Errc::invalid_request, std::move(text));
}

/// The one member of a function call; null if `value` is none.
const json* call_of(const json& value, std::string& name) {
    if (!value.is_object() || value.size() != 1) return nullptr;
    name = value.begin().key();
    return &value.begin().value();
}

}  // namespace

Result<std::string> TemplateValues::bounded(std::string text) const {
    if (text.size() > value_bytes_max) return wrong("A value of the template is longer than 65536 bytes");
    return text;
}

Result<std::string> TemplateValues::parameter(const std::string& name) const {
    if (any_parameter_) return std::string("x");
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) return Error(Errc::resource_registration_failure, "Parameter " + name + " has no value");
    return found->second;
}

Result<std::string> TemplateValues::text(const json& value) const {
    if (value.is_string()) return bounded(value.get<std::string>());
    std::string name;
    const json* arguments = call_of(value, name);
    if (arguments == nullptr) return wrong("A value of the template must be a string or a function: " + value.dump().substr(0, 100));
    if (name == "Ref" && arguments->is_string()) return parameter(arguments->get<std::string>());
    if (!functions_) return wrong("Unknown function " + name + "; this kind of template has Ref only");
    if (name == "Fn::Join") return join(*arguments);
    if (name == "Fn::Select") return select(*arguments);
    if (name == "Fn::FindInMap") return find_in_map(*arguments);
    if (name == "Fn::Sub") return sub(*arguments);
    return wrong("Unknown function " + name);
}

Result<std::vector<std::string>> TemplateValues::list(const json& value) const {
    std::string name;
    if (const json* arguments = call_of(value, name); arguments != nullptr && name == "Fn::Split" && functions_) return split(*arguments);
    if (!value.is_array()) return wrong("A list of the template must be an array or Fn::Split");
    if (value.size() > list_items_max) return wrong("A list of the template has more than 256 items");
    std::vector<std::string> out;
    for (const json& one : value) {
        auto resolved = text(one);
        if (!resolved) return resolved.error();
        out.push_back(std::move(*resolved));
    }
    return out;
}

Result<std::string> TemplateValues::join(const json& arguments) const {
    if (!arguments.is_array() || arguments.size() != 2) return wrong("Fn::Join takes a delimiter and a list");
    const auto delimiter = text(arguments[0]);
    if (!delimiter) return delimiter.error();
    const auto parts = list(arguments[1]);
    if (!parts) return parts.error();
    std::string out;
    for (std::size_t i = 0; i < parts->size(); ++i) {
        if (i > 0) out += *delimiter;
        out += (*parts)[i];
        if (out.size() > value_bytes_max) break;
    }
    return bounded(std::move(out));
}

Result<std::string> TemplateValues::select(const json& arguments) const {
    if (!arguments.is_array() || arguments.size() != 2) return wrong("Fn::Select takes an index and a list");
    const auto index_text = arguments[0].is_number_unsigned() ? Result<std::string>(arguments[0].dump()) : text(arguments[0]);
    if (!index_text) return index_text.error();
    const auto parts = list(arguments[1]);
    if (!parts) return parts.error();
    if (any_parameter_) return parts->empty() ? std::string("x") : parts->front();
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(index_text->data(), index_text->data() + index_text->size(), index);
    if (error != std::errc() || end != index_text->data() + index_text->size()) return wrong("The index of Fn::Select must be a number");
    if (index >= parts->size()) return Error(Errc::resource_registration_failure, "Fn::Select: there is no item " + *index_text);
    return (*parts)[index];
}

Result<std::string> TemplateValues::find_in_map(const json& arguments) const {
    if (!arguments.is_array() || arguments.size() != 3) return wrong("Fn::FindInMap takes a map and two keys");
    const json* at = &mappings_;
    std::string path;
    for (const json& argument : arguments) {
        const auto name = text(argument);
        if (!name) return name.error();
        path += (path.empty() ? "" : ".") + *name;
        const auto found = at->is_object() ? at->find(*name) : at->end();
        if (found == at->end()) {
            if (any_parameter_) return std::string("x");
            return Error(Errc::resource_registration_failure, "Fn::FindInMap: there is no " + path + " in Mappings");
        }
        at = &*found;
    }
    if (!at->is_string()) return wrong("Fn::FindInMap: " + path + " is not a string");
    return at->get<std::string>();
}

Result<std::vector<std::string>> TemplateValues::split(const json& arguments) const {
    if (!arguments.is_array() || arguments.size() != 2) return wrong("Fn::Split takes a delimiter and a string");
    const auto delimiter = text(arguments[0]);
    if (!delimiter) return delimiter.error();
    const auto whole = text(arguments[1]);
    if (!whole) return whole.error();
    if (delimiter->empty()) return wrong("The delimiter of Fn::Split must not be empty");
    std::vector<std::string> out;
    std::size_t at = 0;
    while (out.size() < list_items_max) {
        const std::size_t end = whole->find(*delimiter, at);
        out.push_back(whole->substr(at, end == std::string::npos ? end : end - at));
        if (end == std::string::npos) return out;
        at = end + delimiter->size();
    }
    return wrong("Fn::Split gives more than 256 items");
}

/// `${Name}` is the variable of that name, of the second argument first; `${!Name}` is `${Name}` itself.
Result<std::string> TemplateValues::sub(const json& arguments) const {
    const bool with_variables = arguments.is_array() && arguments.size() == 2 && arguments[0].is_string() && arguments[1].is_object();
    if (!arguments.is_string() && !with_variables) return wrong("Fn::Sub takes a string, or a string and a map");
    const std::string pattern = with_variables ? arguments[0].get<std::string>() : arguments.get<std::string>();
    std::string out;
    std::size_t at = 0;
    while (at < pattern.size()) {
        const std::size_t open = pattern.find("${", at);
        const std::size_t close = open == std::string::npos ? open : pattern.find('}', open);
        if (close == std::string::npos) break;
        out += pattern.substr(at, open - at);
        const std::string name = pattern.substr(open + 2, close - open - 2);
        at = close + 1;
        if (name.starts_with('!')) {
            out += "${" + name.substr(1) + "}";
            continue;
        }
        const bool own = with_variables && arguments[1].contains(name);
        auto value = own ? text(arguments[1].at(name)) : parameter(name);
        if (!value) return value;
        out += *value;
        if (out.size() > value_bytes_max) return bounded(std::move(out));
    }
    return bounded(out + pattern.substr(std::min(at, pattern.size())));
}

}  // namespace fogbank::registry
