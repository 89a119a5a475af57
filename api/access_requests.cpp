#include "api/access_requests.h"

#include <array>

namespace fogbank::api {
namespace {

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
    LabelRow{"UUID", "lambda", "event-source-mapping:"},
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
