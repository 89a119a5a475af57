/// Lambda's operations on what a function is allowed and how it is treated: permissions, concurrency, asynchronous events, tags, the
/// account.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/lambda.h"
#include "api/members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using lambda::FunctionMeta;
using nlohmann::json;
using MetaChange = lambda::FunctionAdministration::MetaChange;
using Versions = std::set<std::uint64_t>;

constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr std::size_t policy_bytes_max = 20 * 1024;  // Lambda quotas: function resource-based policy
constexpr std::size_t tags_max = 50, tag_key_max = 128, tag_value_max = 256;
constexpr std::int64_t event_age_min = 60, event_age_max = 21'600, retries_max = 2;  // model

std::string arn_of(const Services& services, const lambda::FunctionReference& function, bool latest) {
    std::string out = services.rooms.arns.function(function.name);
    if (!function.qualifier.empty()) return out + ":" + function.qualifier;
    return latest ? out + ":" + std::string(lambda::latest_version) : out;
}

/// Whether a qualifier names something.
bool exists(const FunctionMeta& meta, const Versions& versions, const std::string& qualifier) {
    if (qualifier.empty() || meta.aliases.contains(qualifier)) return true;
    return std::any_of(versions.begin(), versions.end(), [&](std::uint64_t number) { return std::to_string(number) == qualifier; });
}

Error no_function(const Services& services, const lambda::FunctionReference& function) {
    return Error(lambda::Errc::resource_not_found, "Function not found: " + arn_of(services, function, false));
}

// Permissions.

bool is_statement_id(std::string_view text) {
    return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

bool is_action(std::string_view text) {
    if (text == "*" || text == "lambda:*") return true;
    constexpr std::string_view prefix = "lambda:";
    if (!text.starts_with(prefix) || text.size() == prefix.size()) return false;
    text.remove_prefix(prefix.size());
    return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

json principal_json(const std::string& principal) {
    if (principal == "*") return "*";
    const bool account =
        principal.size() == 12 && std::all_of(principal.begin(), principal.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (account) return {{"AWS", "arn:aws:iam::" + principal + ":root"}};
    if (principal.starts_with("arn:")) return {{"AWS", principal}};
    return {{"Service", principal}};
}

/// The statement that AddPermission makes, in AWS's order of members.
Result<std::pair<std::string, nlohmann::ordered_json>> read_statement(const json& body, const std::string& resource) {
    const auto sid = required_string(body, "StatementId"), action = required_string(body, "Action"),
               principal = required_string(body, "Principal");
    for (const auto* value : {&sid, &action, &principal}) {
        if (!*value) return value->error();
    }
    if (!is_statement_id(*sid))
        return constraint_error(*sid, "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)");
    if (!is_action(*action))
        return constraint_error(*action, "action", "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])");
    if (principal->empty() || principal->find_first_of(" \t\r\n") != std::string::npos)
        return constraint_error(*principal, "principal", "Member must satisfy regular expression pattern: [^\\s]+");
    nlohmann::ordered_json statement{
        {"Sid", *sid}, {"Effect", "Allow"}, {"Principal", principal_json(*principal)}, {"Action", *action}, {"Resource", resource}};
    nlohmann::ordered_json equals = nlohmann::ordered_json::object();
    for (const auto& [member, key] : {std::pair<const char*, const char*>("SourceAccount", "AWS:SourceAccount"),
                                      {"EventSourceToken", "lambda:EventSourceToken"},
                                      {"PrincipalOrgID", "aws:PrincipalOrgID"},
                                      {"FunctionUrlAuthType", "lambda:FunctionUrlAuthType"}}) {
        const auto value = optional_string(body, member);
        if (!value) return value.error();
        if (*value) equals[key] = **value;
    }
    const auto source = optional_string(body, "SourceArn");
    if (!source) return source.error();
    if (!equals.empty()) statement["Condition"]["StringEquals"] = equals;
    if (*source) statement["Condition"]["ArnLike"] = {{"AWS:SourceArn", **source}};
    return std::pair(*sid, statement);
}

std::string policy_document(const lambda::FunctionPolicy& policy) {
    std::string out = R"({"Version":"2012-10-17","Id":"default","Statement":[)";
    for (const auto& [sid, text] : policy.statements) out += (out.back() == '[' ? "" : ",") + text;
    return out + "]}";
}

Result<void> check_policy_revision(const std::optional<std::string>& wanted, const lambda::FunctionPolicy& policy) {
    if (!wanted || *wanted == policy.revision_id) return {};
    return Error(
        lambda::Errc::precondition_failed,
        "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API to retrieve the latest RevisionId for "
        "your resource");
}

// Asynchronous events.

json config_json(const Services& services, const lambda::FunctionReference& function, const lambda::EventInvokeConfig& config) {
    json out{{"LastModified", epoch_seconds(config.modified_at)},
             {"FunctionArn", arn_of(services, function, true)},
             {"DestinationConfig", {{"OnSuccess", json::object()}, {"OnFailure", json::object()}}}};
    if (!config.on_success.empty()) out["DestinationConfig"]["OnSuccess"]["Destination"] = config.on_success;
    if (!config.on_failure.empty()) out["DestinationConfig"]["OnFailure"]["Destination"] = config.on_failure;
    if (config.maximum_retry_attempts) out["MaximumRetryAttempts"] = *config.maximum_retry_attempts;
    if (config.maximum_event_age_s) out["MaximumEventAgeInSeconds"] = *config.maximum_event_age_s;
    return out;
}

Result<std::optional<std::int64_t>> within(const json& body, const char* member, const char* name, std::int64_t low, std::int64_t high) {
    auto value = optional_integer(body, member);
    if (!value || !*value || (**value >= low && **value <= high)) return value;
    return constraint_error(std::to_string(**value), name,
                            **value < low ? "Member must have value greater than or equal to " + std::to_string(low)
                                          : "Member must have value less than or equal to " + std::to_string(high));
}

/// A destination that this server has: a function. Absent: nothing; null or empty: none.
Result<std::optional<std::string>> read_destination(const json& body, const char* side) {
    const json* config = find_member(body, "DestinationConfig");
    if (config == nullptr) return std::optional<std::string>();
    if (!config->is_object()) return validation_error("DestinationConfig must be an object");
    const json* one = find_member(*config, side);
    if (one == nullptr) return std::optional<std::string>();
    if (!one->is_object()) return validation_error(std::string(side) + " must be an object");
    auto arn = optional_string(*one, "Destination");
    if (!arn) return arn.error();
    const std::string text = arn->value_or(std::string());
    if (!text.empty() && (!text.starts_with("arn:") || !lambda::parse_function_reference(text))) {
        return validation_error("The provided destination config DestinationConfig is invalid: `" + text +
                                "` is not the ARN of a function, the only kind of destination that this server has");
    }
    return std::optional(text);
}

struct ConfigChange {
    std::optional<std::int64_t> retries, age;
    std::optional<std::string> on_success, on_failure;
};

Result<ConfigChange> read_config(const json& body) {
    const auto retries = within(body, "MaximumRetryAttempts", "maximumRetryAttempts", 0, retries_max);
    const auto age = within(body, "MaximumEventAgeInSeconds", "maximumEventAgeInSeconds", event_age_min, event_age_max);
    if (!retries) return retries.error();
    if (!age) return age.error();
    auto on_success = read_destination(body, "OnSuccess"), on_failure = read_destination(body, "OnFailure");
    if (!on_success) return on_success.error();
    if (!on_failure) return on_failure.error();
    ConfigChange out{*retries, *age, std::move(*on_success), std::move(*on_failure)};
    if (!out.retries && !out.age && !out.on_success && !out.on_failure)
        return validation_error(
            "You must specify at least one of the following settings: MaximumRetryAttempts, MaximumEventAgeInSeconds, or "
            "DestinationConfig.");
    return out;
}

Error no_config(const Services& services, const lambda::FunctionReference& function) {
    return Error(lambda::Errc::resource_not_found,
                 "The function " + arn_of(services, function, true) + " doesn't have an EventInvokeConfig");
}

asio::awaitable<Outcome> change_config(const Services& services, const Call& call, bool replace) {
    const auto function = function_reference(call);
    if (!function) co_return function.error();
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) co_return body.error();
    const auto wanted = read_config(*body);
    if (!wanted) co_return wanted.error();
    MetaChange change = [&](FunctionMeta& meta, const Versions& versions) -> Result<void> {
        if (!exists(meta, versions, function->qualifier)) return no_function(services, *function);
        if (!replace && !meta.invoke_configs.contains(function->qualifier)) return no_config(services, *function);
        auto& config = meta.invoke_configs[function->qualifier];
        if (replace) config = {};
        if (wanted->retries) config.maximum_retry_attempts = wanted->retries;
        if (wanted->age) config.maximum_event_age_s = wanted->age;
        if (wanted->on_success) config.on_success = *wanted->on_success;
        if (wanted->on_failure) config.on_failure = *wanted->on_failure;
        config.modified_at = services.rooms.clock.now();
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(function->name, std::move(change));
    if (!meta) co_return meta.error();
    co_return json_response(config_json(services, *function, meta->invoke_configs.at(function->qualifier)));
}

// Tags.

Result<std::map<std::string, std::string>> tags_of(const json* tags) {
    std::map<std::string, std::string> out;
    if (tags == nullptr) return out;
    if (!tags->is_object()) return validation_error("Tags must be an object");
    for (const auto& [key, value] : tags->items()) {
        if (!value.is_string()) return validation_error("the tag `" + key + "` must be a string");
        const std::string text = value.get<std::string>();
        if (key.empty() || key.size() > tag_key_max || text.size() > tag_value_max)
            return validation_error("Tag keys have 1 to 128 characters and values at most 256");
        if (key.starts_with("aws:")) return validation_error("aws: prefixed tag key names are not allowed for external use.");
        out.emplace(key, text);
    }
    if (out.size() > tags_max) return validation_error("Tag count exceeded the limit of 50");
    return out;
}

Result<FunctionName> tagged_function(const Services& services, const Call& call) {
    auto function = lambda::parse_function_reference(call.label("ARN"));
    if (!function) return function.error();
    if (!function->qualifier.empty())
        return validation_error("Tags on function aliases and versions are not supported. Please specify a function ARN.");
    static_cast<void>(services);
    return std::move(function->name);
}

}  // namespace

Result<std::map<std::string, std::string>> lambda_tags(const json& body) {
    return tags_of(find_member(body, "Tags"));
}

asio::awaitable<Outcome> add_permission(const Services& services, const Call& call) {
    const auto function = function_reference(call);
    if (!function) co_return function.error();
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) co_return body.error();
    const auto statement = read_statement(*body, arn_of(services, *function, false));
    if (!statement) co_return statement.error();
    const auto revision = optional_string(*body, "RevisionId");
    if (!revision) co_return revision.error();
    const std::string text = statement->second.dump(-1, ' ', false, json::error_handler_t::replace);
    MetaChange change = [&](FunctionMeta& meta, const Versions& versions) -> Result<void> {
        if (!exists(meta, versions, function->qualifier)) return no_function(services, *function);
        auto& policy = meta.policies[function->qualifier];
        if (auto same = check_policy_revision(*revision, policy); !same) return same;
        for (const auto& [sid, known] : policy.statements) {
            if (sid == statement->first)
                return Error(lambda::Errc::resource_conflict,
                             "The statement id (" + sid +
                                 ") provided already exists. Please provide a new statement id, or remove the existing statement.");
        }
        policy.statements.emplace_back(statement->first, text);
        policy.revision_id = services.rooms.random.uuid();
        if (policy_document(policy).size() > policy_bytes_max)
            return Error(lambda::Errc::policy_too_large, "The final policy size (" + std::to_string(policy_document(policy).size()) +
                                                             ") is bigger than the limit (" + std::to_string(policy_bytes_max) + ").");
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(function->name, std::move(change));
    if (!meta) co_return meta.error();
    co_return json_response({{"Statement", text}}, 201);
}

asio::awaitable<Outcome> remove_permission(const Services& services, const Call& call) {
    const auto function = function_reference(call);
    if (!function) co_return function.error();
    const std::string sid = call.label("StatementId");
    const std::string* revision = call.query_value("RevisionId");
    MetaChange change = [&](FunctionMeta& meta, const Versions&) -> Result<void> {
        auto& policy = meta.policies[function->qualifier];
        const auto found =
            std::find_if(policy.statements.begin(), policy.statements.end(), [&](const auto& one) { return one.first == sid; });
        if (found == policy.statements.end())
            return Error(lambda::Errc::resource_not_found, "Statement " + sid + " is not found in resource policy.");
        if (auto same = check_policy_revision(revision != nullptr ? std::optional(*revision) : std::nullopt, policy); !same) return same;
        policy.statements.erase(found);
        policy.revision_id = services.rooms.random.uuid();
        if (policy.statements.empty()) meta.policies.erase(function->qualifier);
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(function->name, std::move(change));
    if (!meta) co_return meta.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> get_policy(const Services& services, const Call& call) {
    const auto function = function_reference(call);
    if (!function) co_return function.error();
    const auto meta = co_await services.rooms.functions.administration().get_meta(function->name);
    if (!meta) co_return meta.error();
    const auto found = meta->policies.find(function->qualifier);
    if (found == meta->policies.end() || found->second.statements.empty())
        co_return Error(lambda::Errc::resource_not_found, "The resource you requested does not exist.");
    co_return json_response({{"Policy", policy_document(found->second)}, {"RevisionId", found->second.revision_id}});
}

asio::awaitable<Outcome> put_function_concurrency(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) co_return body.error();
    const auto wanted = optional_integer(*body, "ReservedConcurrentExecutions");
    if (!wanted) co_return wanted.error();
    if (!*wanted) co_return missing_member("reservedConcurrentExecutions");
    if (**wanted < 0)
        co_return constraint_error(std::to_string(**wanted), "reservedConcurrentExecutions",
                                   "Member must have value greater than or equal to 0");
    MetaChange change = [&](FunctionMeta& meta, const Versions&) -> Result<void> {
        meta.reserved_concurrency = **wanted;
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(*name, std::move(change));
    if (!meta) co_return meta.error();
    co_return json_response({{"ReservedConcurrentExecutions", **wanted}});
}

asio::awaitable<Outcome> get_function_concurrency(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto meta = co_await services.rooms.functions.administration().get_meta(*name);
    if (!meta) co_return meta.error();
    json answer = json::object();
    if (meta->reserved_concurrency) answer["ReservedConcurrentExecutions"] = *meta->reserved_concurrency;
    co_return json_response(answer);
}

asio::awaitable<Outcome> delete_function_concurrency(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    MetaChange change = [](FunctionMeta& meta, const Versions&) -> Result<void> {
        meta.reserved_concurrency.reset();
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(*name, std::move(change));
    if (!meta) co_return meta.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> put_function_event_invoke_config(const Services& services, const Call& call) {
    return change_config(services, call, true);
}
asio::awaitable<Outcome> update_function_event_invoke_config(const Services& services, const Call& call) {
    return change_config(services, call, false);
}

asio::awaitable<Outcome> get_function_event_invoke_config(const Services& services, const Call& call) {
    const auto function = function_reference(call);
    if (!function) co_return function.error();
    const auto meta = co_await services.rooms.functions.administration().get_meta(function->name);
    if (!meta) co_return meta.error();
    const auto found = meta->invoke_configs.find(function->qualifier);
    if (found == meta->invoke_configs.end()) co_return no_config(services, *function);
    co_return json_response(config_json(services, *function, found->second));
}

asio::awaitable<Outcome> list_function_event_invoke_configs(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto meta = co_await services.rooms.functions.administration().get_meta(*name);
    if (!meta) co_return meta.error();
    json all = json::array();
    for (const auto& [qualifier, config] : meta->invoke_configs) all.push_back(config_json(services, {*name, qualifier}, config));
    json answer{{"FunctionEventInvokeConfigs", std::move(all)}};
    co_return json_response(answer);
}

asio::awaitable<Outcome> delete_function_event_invoke_config(const Services& services, const Call& call) {
    const auto function = function_reference(call);
    if (!function) co_return function.error();
    MetaChange change = [&](FunctionMeta& meta, const Versions&) -> Result<void> {
        if (meta.invoke_configs.erase(function->qualifier) == 0) return no_config(services, *function);
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(function->name, std::move(change));
    if (!meta) co_return meta.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> tag_function(const Services& services, const Call& call) {
    const auto name = tagged_function(services, call);
    if (!name) co_return name.error();
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) co_return body.error();
    if (find_member(*body, "Tags") == nullptr) co_return missing_member("tags");
    const auto tags = lambda_tags(*body);
    if (!tags) co_return tags.error();
    MetaChange change = [&](FunctionMeta& meta, const Versions&) -> Result<void> {
        for (const auto& [key, value] : *tags) meta.tags[key] = value;
        if (meta.tags.size() > tags_max) return validation_error("Tag count exceeded the limit of 50");
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(*name, std::move(change));
    if (!meta) co_return meta.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> untag_function(const Services& services, const Call& call) {
    const auto name = tagged_function(services, call);
    if (!name) co_return name.error();
    if (call.query_value("tagKeys") == nullptr) co_return missing_member("tagKeys");
    MetaChange change = [&](FunctionMeta& meta, const Versions&) -> Result<void> {
        for (const auto& [key, value] : call.query) {
            if (key == "tagKeys") meta.tags.erase(value);
        }
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(*name, std::move(change));
    if (!meta) co_return meta.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> list_function_tags(const Services& services, const Call& call) {
    const auto name = tagged_function(services, call);
    if (!name) co_return name.error();
    const auto meta = co_await services.rooms.functions.administration().get_meta(*name);
    if (!meta) co_return meta.error();
    json tags = meta->tags;
    if (tags.is_null()) tags = json::object();
    json answer{{"Tags", std::move(tags)}};
    co_return json_response(answer);
}

asio::awaitable<Outcome> get_account_settings(const Services& services, const Call&) {
    const auto all = co_await services.rooms.functions.list_functions();
    if (!all) co_return all.error();
    std::int64_t bytes = 0;
    for (const auto& function : *all) bytes += function.code_size_bytes;
    // Lambda quotas; the storage is that of AWS, this server has what its disk has.
    json limit{{"TotalCodeSize", 80'530'636'800},
               {"CodeSizeUnzipped", 262'144'000},
               {"CodeSizeZipped", 52'428'800},
               {"ConcurrentExecutions", 1000},
               {"UnreservedConcurrentExecutions", 1000}};
    json answer{{"AccountLimit", std::move(limit)}, {"AccountUsage", {{"TotalCodeSize", bytes}, {"FunctionCount", all->size()}}}};
    co_return json_response(answer);
}

}  // namespace fogbank::api
