#include "rules/stubs.h"

#include <nlohmann/json.hpp>

#include "common/arn.h"
#include "common/encoding.h"

namespace fogbank::rules {
namespace {

using Json = nlohmann::ordered_json;
using sql::External;
using sql::ExternalAnswer;
using sql::ExternalRequest;

ExternalAnswer failed(std::string why) {
    return {true, std::move(why)};
}

const Json* find(const Json* object, const std::string& key) {
    if (object == nullptr || !object->is_object()) return nullptr;
    const auto found = object->find(key);
    return found == object->end() ? nullptr : &*found;
}

/// An answer of the stubs as it is, or the failure that it asks for.
ExternalAnswer given(const Json& answer) {
    const Json* error = answer.is_object() && answer.size() == 1 ? find(&answer, "error") : nullptr;
    if (error != nullptr) return failed(error->is_string() ? error->get<std::string>() : error->dump());
    return {false, answer.dump()};
}

/// The ARN's last part: `arn:…:function:name:alias` → `name`.
std::string short_function_name(const std::string& reference) {
    constexpr std::string_view mark = ":function:";
    const std::size_t at = reference.find(mark);
    const std::string name = at == std::string::npos ? reference : reference.substr(at + mark.size());
    return name.substr(0, name.find(':'));
}

ExternalAnswer lambda(const Json* stubs, const ExternalRequest& request) {
    const std::string& function = request.arguments[0];
    const Json* answer = find(stubs, function);
    if (answer == nullptr) answer = find(stubs, short_function_name(function));
    if (answer == nullptr) return failed("aws_lambda: function `" + function + "` is not there");
    const Json* error = find(answer, "functionError");
    if (error != nullptr && answer->size() == 1)
        return failed("aws_lambda: function `" + function +
                      "` failed: " + (error->is_string() ? error->get<std::string>() : error->dump()));
    return given(*answer);
}

ExternalAnswer shadow(const Json* stubs, const ExternalRequest& request) {
    const std::string& thing = request.arguments[0];
    const std::string& name = request.arguments[1];
    const Json* answer = find(stubs, name.empty() ? thing : thing + "/" + name);
    if (answer == nullptr && !name.empty()) answer = find(find(stubs, thing), name);
    if (answer == nullptr)
        return failed("get_thing_shadow: no shadow of thing `" + thing + "`" + (name.empty() ? "" : " named `" + name + "`"));
    return given(*answer);
}

bool same_key(const Json& item, const std::string& name, const std::string& value_json) {
    const Json* member = find(&item, name);
    return member != nullptr && *member == Json::parse(value_json, nullptr, false);
}

bool has_keys(const Json& item, const ExternalRequest& request) {
    for (std::size_t i = 1; i + 1 < request.arguments.size(); i += 2) {
        if (!same_key(item, request.arguments[i], request.arguments[i + 1])) return false;
    }
    return true;
}

/// A key's value as the text it has as a member's name.
std::string key_text(const std::string& value_json) {
    const Json value = Json::parse(value_json, nullptr, false);
    return value.is_string() ? value.get<std::string>() : value_json;
}

ExternalAnswer table(const Json* stubs, const ExternalRequest& request) {
    const Json* table = find(stubs, request.arguments[0]);
    if (table == nullptr) return failed("get_dynamodb: table `" + request.arguments[0] + "` is not there");
    if (table->is_array()) {
        for (const Json& item : *table) {
            if (has_keys(item, request)) return {false, item.dump()};
        }
        return {};
    }
    std::string key = key_text(request.arguments[2]);
    if (request.arguments.size() > 4) key += "/" + key_text(request.arguments[4]);
    if (const Json* item = find(table, key)) return given(*item);
    if (table->is_object() && has_keys(*table, request)) return {false, table->dump()};
    if (find(table, "error") != nullptr) return given(*table);
    return {};
}

ExternalAnswer registry(const Json* stubs, const ExternalRequest& request) {
    const std::string& api = request.arguments[0];
    const std::string& thing = request.arguments[1];
    const Json* answer = find(find(stubs, api), thing);
    if (answer == nullptr) answer = find(find(stubs, thing), api);
    if (answer == nullptr) return failed("get_registry_data: " + api + ": thing `" + thing + "` is not there");
    return given(*answer);
}

ExternalAnswer secret(const Json* stubs, const ExternalRequest& request) {
    const std::string& id = request.arguments[0];
    const Json* stub = find(stubs, id);
    if (stub == nullptr && id.find(":secret:") != std::string::npos) stub = find(stubs, id.substr(id.rfind(':') + 1));
    if (stub == nullptr) return failed("get_secret: secret `" + id + "` is not there");
    if (stub->is_object() &&
        (stub->contains("SecretString") || stub->contains("SecretBinary") || (stub->contains("error") && stub->size() == 1)))
        return given(*stub);
    const Json whole{{"SecretString", stub->is_string() ? stub->get<std::string>() : stub->dump()}};
    return {false, whole.dump()};
}

ExternalAnswer object(const Json* stubs, const ExternalRequest& request) {
    const std::string name = request.arguments[0] + "/" + request.arguments[1];
    const Json* stub = find(stubs, name);
    const auto bytes = stub != nullptr && stub->is_string() ? base64_decode(stub->get<std::string>()) : std::nullopt;
    if (!bytes) return failed("decode: object `" + name + "` is not there");
    return {false, *bytes};
}

}  // namespace

ExternalAnswer answer_from_stubs(const Json& externals, const ExternalRequest& request) {
    switch (request.service) {
        case External::lambda:
            return lambda(find(&externals, "lambda"), request);
        case External::table:
            return table(find(&externals, "table"), request);
        case External::registry:
            return registry(find(&externals, "registry"), request);
        case External::secret:
            return secret(find(&externals, "secret"), request);
        case External::shadow:
            return shadow(find(&externals, "shadow"), request);
        case External::object:
            break;
    }
    return object(find(&externals, "object"), request);
}

}  // namespace fogbank::rules
