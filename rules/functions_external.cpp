// Functions that ask other services. Source: reference "rules-sql", section 9.6; the calls themselves: rules/external.h.

#include <array>

#include "common/encoding.h"
#include "rules/external.h"
#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

/// Reference "rules", section 7: one call of get_dynamodb and get_registry_data each.
constexpr std::size_t calls_per_statement_max = 1;

Value json_answer(const CallContext& context, const std::string& text, std::string_view who) {
    auto value = value_of_json(text, context.version);
    return value ? std::move(*value) : external_failure(context, std::string(who) + " did not answer JSON");
}

/// The text of an argument that names something; failing that the rule fails, as the service would refuse an empty name.
std::optional<std::string> name_argument(const Value& value) {
    const auto text = to_text(value);
    if (!text || text->view().empty()) return std::nullopt;
    return std::string(text->view());
}

/// aws_lambda(functionArn, inputJson)
Value aws_lambda(const CallContext& context, Arguments arguments) {
    const auto function = name_argument(arguments[0]);
    if (!function) return external_failure(context, "aws_lambda: the function's ARN is missing");
    std::string event;
    if (!append_json(event, arguments[1].is_undefined() ? Value::object({}) : arguments[1], value_bytes_max))
        return external_failure(context, "aws_lambda: the event is too long");
    const auto answer = ask(context, External::lambda, {*function, std::move(event)});
    return answer ? json_answer(context, *answer, "aws_lambda: function `" + *function + "`") : Value();
}

bool first_call(const CallContext& context, External service) {
    return context.externals == nullptr || context.externals->asked(service) < calls_per_statement_max;
}

/// get_dynamodb(tableName, partitionKeyName, partitionKeyValue [, sortKeyName, sortKeyValue], roleArn)
Value get_dynamodb(const CallContext& context, Arguments arguments) {
    if (arguments.size() == 5) return external_failure(context, "get_dynamodb takes 4 or 6 arguments");
    if (!first_call(context, External::table)) return external_failure(context, "get_dynamodb may be called once in a statement");
    std::vector<std::string> question;
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
        std::string text;
        const bool is_value = i >= 2 && i % 2 == 0;
        if (is_value) {
            if (!arguments[i].is_string() && !arguments[i].is_number())
                return external_failure(context, "get_dynamodb: the value of key `" + question.back() + "` is not a String or a number");
            append_json(text, arguments[i], value_bytes_max);
        } else if (const auto name = name_argument(arguments[i])) {
            text = *name;
        } else {
            return external_failure(context, "get_dynamodb: the name of the table or of a key is missing");
        }
        question.push_back(std::move(text));
    }
    const auto answer = ask(context, External::table, std::move(question));
    if (!answer || answer->empty()) return {};
    return json_answer(context, *answer, "get_dynamodb: the table");
}

/// get_registry_data(registryAPI, thingName, roleArn)
Value get_registry_data(const CallContext& context, Arguments arguments) {
    if (!first_call(context, External::registry)) return external_failure(context, "get_registry_data may be called once in a statement");
    const auto api = name_argument(arguments[0]);
    const auto thing = name_argument(arguments[1]);
    if (!api || (*api != "DescribeThing" && *api != "ListThingGroupsForThing"))
        return external_failure(context, "get_registry_data: the API must be DescribeThing or ListThingGroupsForThing");
    if (!thing) return external_failure(context, "get_registry_data: the thing's name is missing");
    const auto answer = ask(context, External::registry, {*api, *thing});
    return answer ? json_answer(context, *answer, "get_registry_data: the registry") : Value();
}

/// get_thing_shadow(thingName [, shadowName], roleArn)
Value get_thing_shadow(const CallContext& context, Arguments arguments) {
    const auto thing = name_argument(arguments[0]);
    if (!thing) return external_failure(context, "get_thing_shadow: the thing's name is missing");
    std::string shadow;
    if (arguments.size() == 3) {
        const auto name = name_argument(arguments[1]);
        if (!name) return external_failure(context, "get_thing_shadow: the shadow's name is missing");
        shadow = *name;
    }
    const auto answer = ask(context, External::shadow, {*thing, std::move(shadow)});
    return answer ? json_answer(context, *answer, "get_thing_shadow: the shadow") : Value();
}

Value secret_string(const CallContext& context, const Value& secret, const Value* key) {
    const Value text = secret.member("SecretString");
    if (!text.is_string()) return external_failure(context, "get_secret: the secret has no SecretString");
    auto json = value_of_json(text.text(), context.version);
    const bool object = json && json->kind() == Value::Kind::object;
    if (key == nullptr) return object ? *json : text;
    if (!object) return external_failure(context, "get_secret: the secret is not a JSON object, so it has no keys");
    if (!key->is_string()) return external_failure(context, "get_secret: the key must be a String");
    return json->member(key->text());
}

/// get_secret(secretId, secretType [, key], roleArn)
Value get_secret(const CallContext& context, Arguments arguments) {
    const auto id = name_argument(arguments[0]);
    const auto type = name_argument(arguments[1]);
    if (!id) return external_failure(context, "get_secret: the secret's id is missing");
    if (!type || (*type != "SecretString" && *type != "SecretBinary"))
        return external_failure(context, "get_secret: the type must be SecretString or SecretBinary");
    const auto answer = ask(context, External::secret, {*id});
    if (!answer) return {};
    const auto secret = value_of_json(*answer, context.version);
    if (!secret) return external_failure(context, "get_secret: the secret cannot be read");
    const Value* key = arguments.size() == 4 ? &arguments[2] : nullptr;
    if (*type == "SecretString") return secret_string(context, *secret, key);
    if (key != nullptr) return external_failure(context, "get_secret: a SecretBinary has no keys");
    const Value binary = secret->member("SecretBinary");
    return binary.is_string() ? binary : external_failure(context, "get_secret: the secret has no SecretBinary");
}

constexpr auto v2015 = Version::v2015_10_08;
constexpr auto v2016 = Version::v2016_03_23;
constexpr std::array<Function, 5> table{{
    {"aws_lambda", 2, 2, v2015, false, false, aws_lambda, External::lambda},
    {"get_dynamodb", 4, 6, v2016, false, false, get_dynamodb, External::table},
    {"get_registry_data", 3, 3, v2016, false, false, get_registry_data, External::registry},
    {"get_secret", 3, 4, v2015, false, false, get_secret, External::secret},
    {"get_thing_shadow", 2, 3, v2016, false, false, get_thing_shadow, External::shadow},
}};

}  // namespace

std::optional<std::string> ask(const CallContext& context, External service, std::vector<std::string> arguments) {
    if (context.externals == nullptr) {
        external_failure(context, "other services cannot be asked here");
        return std::nullopt;
    }
    if (context.externals->asked() >= external_calls_max) {
        external_failure(context, "the statement asks other services more than " + std::to_string(external_calls_max) + " times");
        return std::nullopt;
    }
    const ExternalAnswer* answer = context.externals->next(ExternalRequest{service, std::move(arguments)});
    if (answer == nullptr) {
        context.outcome->waiting = true;
        return std::nullopt;
    }
    if (answer->failed) {
        external_failure(context, answer->text);
        return std::nullopt;
    }
    return answer->text;
}

Value external_failure(const CallContext& context, std::string why) {
    if (context.outcome != nullptr) context.outcome->failure = std::move(why);
    return {};
}

std::span<const Function> external_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
