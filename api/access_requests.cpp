#include "api/access_requests.h"

#include <array>
#include <nlohmann/json.hpp>

#include "common/json.h"

namespace fogbank::api {
namespace {

using nlohmann::json;

/// A label of a path template and the beginning of the ARN's resource part.
struct LabelRow {
    std::string_view label, service, resource;
};
constexpr std::array labels{
    LabelRow{"topic", "iot", "topic/"},
    LabelRow{"thingName", "iot", "thing/"},
    LabelRow{"thingTypeName", "iot", "thingtype/"},
    LabelRow{"thingGroupName", "iot", "thinggroup/"},
    LabelRow{"billingGroupName", "iot", "billinggroup/"},
    LabelRow{"policyName", "iot", "policy/"},
    LabelRow{"certificateId", "iot", "cert/"},
    LabelRow{"caCertificateId", "iot", "cacert/"},
    LabelRow{"ruleName", "iot", "rule/"},
    LabelRow{"roleAlias", "iot", "rolealias/"},
    LabelRow{"authorizerName", "iot", "authorizer/"},
    LabelRow{"templateName", "iot", "provisioningtemplate/"},
    LabelRow{"jobId", "iot", "job/"},
    LabelRow{"indexName", "iot", "index/"},
    LabelRow{"clientId", "iot", "client/"},
    LabelRow{"FunctionName", "lambda", "function:"},
};

/// Operations whose action in IAM is not their name.
struct ActionRow {
    std::string_view prefix, operation, action;
};
constexpr std::array actions{
    ActionRow{"lambda", "Invoke", "lambda:InvokeFunction"},
    ActionRow{"lambda", "InvokeAsync", "lambda:InvokeFunction"},
    ActionRow{"lambda", "ListTags", "lambda:ListTags"},
    ActionRow{"iot", "SendDirectMessage", "iot:SendDirectMessage"},
    ActionRow{"dynamodb", "TransactGetItems", "dynamodb:GetItem"},
};

AccessRequest request_of(std::string_view iam_prefix, const Operation& operation, std::string resource) {
    AccessRequest out;
    out.action = std::string(iam_prefix) + ":" + std::string(operation.name);
    for (const ActionRow& row : actions) {
        if (row.prefix == iam_prefix && row.operation == operation.name) out.action = row.action;
    }
    out.resource = std::move(resource);
    return out;
}

std::string resource_of(const Services& services, const Call& call) {
    const ArnFactory& arns = services.rooms.arns;
    for (const LabelRow& row : labels) {
        const std::string& value = call.label(row.label);
        if (value.empty()) continue;
        return value.starts_with("arn:") ? value : arns.make(row.service, std::string(row.resource) + value);
    }
    return "*";
}

/// The names of the tables in a body that has not been validated; ARNs stay as they are.
void add_table(const json& object, const char* member, std::vector<std::string>& out) {
    if (const std::string name = json_string(object, member); !name.empty()) out.push_back(name);
}

/// The item actions that a TransactWriteItems consists of.
constexpr std::array<std::pair<const char*, std::string_view>, 4> transact_actions{{
    {"Put", "dynamodb:PutItem"},
    {"Update", "dynamodb:UpdateItem"},
    {"Delete", "dynamodb:DeleteItem"},
    {"ConditionCheck", "dynamodb:ConditionCheckItem"},
}};

std::string table_arn(const Services& services, const std::string& name) {
    return name.starts_with("arn:") ? name : services.rooms.arns.make("dynamodb", "table/" + name);
}

void add_transaction(const Services& services, const json& items, std::vector<AccessRequest>& out) {
    for (const json& item : items) {
        if (!item.is_object()) continue;
        for (const auto& [member, action] : transact_actions) {
            const auto found = item.find(member);
            if (found == item.end() || !found->is_object()) continue;
            AccessRequest request;
            request.action = action;
            request.resource = table_arn(services, json_string(*found, "TableName"));
            out.push_back(std::move(request));
        }
    }
}

std::vector<std::string> table_names(const json& body) {
    std::vector<std::string> names;
    add_table(body, "TableName", names);
    add_table(body, "ResourceArn", names);
    const auto batch = body.find("RequestItems");
    if (batch != body.end() && batch->is_object()) {
        for (const auto& [name, unused] : batch->items()) names.push_back(name);
    }
    const auto transaction = body.find("TransactItems");
    if (transaction == body.end() || !transaction->is_array()) return names;
    for (const json& item : *transaction) {
        const auto get = item.is_object() ? item.find("Get") : item.end();
        if (item.is_object() && get != item.end()) add_table(*get, "TableName", names);
    }
    return names;
}

}  // namespace

std::vector<AccessRequest> access_by_labels(const Services& services, std::string_view iam_prefix, const Operation& operation,
                                            const Call& call) {
    std::vector<AccessRequest> out{request_of(iam_prefix, operation, resource_of(services, call))};
    const std::string* retain = call.query_value("retain");
    if (operation.name == "Publish" && retain != nullptr && *retain == "true") {
        out.push_back(out.front());
        out.back().action = "iot:RetainPublish";
    }
    return out;
}

std::vector<AccessRequest> access_by_tables(const Services& services, std::string_view iam_prefix, const Operation& operation,
                                            const Call& call) {
    constexpr std::size_t body_bytes_max = 16 * 1024 * 1024, body_depth_max = 80;  // as the operations themselves
    std::vector<AccessRequest> out;
    const auto body = parse_json(call.request.body, JsonLimits{body_bytes_max, body_depth_max});
    const bool readable = body && body->is_object();
    const auto transaction = readable ? body->find("TransactItems") : json::const_iterator();
    if (readable && operation.name == "TransactWriteItems" && transaction != body->end() && transaction->is_array()) {
        add_transaction(services, *transaction, out);
        return out;
    }
    for (const std::string& name : readable ? table_names(*body) : std::vector<std::string>()) {
        std::string arn = table_arn(services, name);
        const std::string index = json_string(*body, "IndexName");
        if (!index.empty()) arn += "/index/" + index;
        out.push_back(request_of(iam_prefix, operation, std::move(arn)));
    }
    if (out.empty()) out.push_back(request_of(iam_prefix, operation, "*"));
    return out;
}

std::vector<AccessRequest> access_by_iam_names(const Services& services, std::string_view iam_prefix, const Operation& operation,
                                               const Call& call) {
    const std::string prefix = "arn:aws:iam::" + services.rooms.arns.account().str() + ":";
    const auto state = services.rooms.iam.state();
    std::string resource = "*";
    if (const std::string* role = call.query_value("RoleName")) {
        const auto found = state->roles.find(*role);
        resource = found == state->roles.end() ? prefix + "role/" + *role : services.rooms.iam.role_arn(found->second);
    } else if (const std::string* user = call.query_value("UserName")) {
        const auto found = state->users.find(*user);
        resource = found == state->users.end() ? prefix + "user/" + *user : services.rooms.iam.user_arn(found->second);
    } else if (const std::string* policy = call.query_value("PolicyArn")) {
        resource = *policy;
    }
    return {request_of(iam_prefix, operation, std::move(resource))};
}

std::vector<AccessRequest> access_by_handler(const Services&, std::string_view, const Operation&, const Call&) {
    return {};
}

}  // namespace fogbank::api
