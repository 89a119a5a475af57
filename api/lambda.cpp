#include "api/lambda.h"

#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "fogbank/lambda.h"

namespace fogbank::api {
namespace {

using nlohmann::json;

constexpr std::array operations{
    Operation{"CreateFunction", "POST", "/2015-03-31/functions", create_function},
    Operation{"CreateFunction", "POST", "/2015-03-31/functions/", create_function},
    Operation{"ListFunctions", "GET", "/2015-03-31/functions", list_functions},
    Operation{"ListFunctions", "GET", "/2015-03-31/functions/", list_functions},
    Operation{"GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", get_function},
    Operation{"DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", delete_function},
    Operation{"UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", update_function_code},
    Operation{"GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration", get_function_configuration},
    Operation{"UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/{FunctionName}/configuration", update_function_configuration},
    Operation{"Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", invoke_function},
    Operation{"InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", invoke_function_async},
    Operation{"InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async/", invoke_function_async},
    Operation{"PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", publish_version},
    Operation{"ListVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", list_versions_by_function},
    Operation{"CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", create_alias},
    Operation{"ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", list_aliases},
    Operation{"GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", get_alias},
    Operation{"UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", update_alias},
    Operation{"DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", delete_alias},
    Operation{"AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", add_permission},
    Operation{"GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", get_policy},
    Operation{"RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", remove_permission},
    Operation{"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", put_function_concurrency},
    Operation{"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", delete_function_concurrency},
    Operation{"GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", get_function_concurrency},
    Operation{"PutFunctionEventInvokeConfig", "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
              put_function_event_invoke_config},
    Operation{"UpdateFunctionEventInvokeConfig", "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
              update_function_event_invoke_config},
    Operation{"GetFunctionEventInvokeConfig", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
              get_function_event_invoke_config},
    Operation{"DeleteFunctionEventInvokeConfig", "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
              delete_function_event_invoke_config},
    Operation{"ListFunctionEventInvokeConfigs", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list",
              list_function_event_invoke_configs},
    Operation{"TagResource", "POST", "/2017-03-31/tags/{ARN}", tag_function},
    Operation{"UntagResource", "DELETE", "/2017-03-31/tags/{ARN}", untag_function},
    Operation{"ListTags", "GET", "/2017-03-31/tags/{ARN}", list_function_tags},
    Operation{"CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", create_event_source_mapping},
    Operation{"CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings/", create_event_source_mapping},
    Operation{"ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", list_event_source_mappings},
    Operation{"ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings/", list_event_source_mappings},
    Operation{"GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", get_event_source_mapping},
    Operation{"UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", update_event_source_mapping},
    Operation{"DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", delete_event_source_mapping},
    Operation{"GetAccountSettings", "GET", "/2016-08-19/account-settings", get_account_settings},
    Operation{"GetAccountSettings", "GET", "/2016-08-19/account-settings/", get_account_settings},
};

}  // namespace

std::string lambda_time(WallTime time) {
    std::string text = lambda::iso8601(time.time_since_epoch().count());
    text.pop_back();
    return text + "+0000";
}

Result<lambda::FunctionReference> function_reference(const Call& call) {
    auto reference = lambda::parse_function_reference(call.label("FunctionName"));
    const std::string* qualifier = call.query_value("Qualifier");
    if (!reference || qualifier == nullptr) return reference;
    if (!lambda::is_qualifier(*qualifier)) {
        return constraint_error(*qualifier, "qualifier", "Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)");
    }
    const std::string wanted = *qualifier == lambda::latest_version ? std::string() : *qualifier;
    if (!reference->qualifier.empty() && reference->qualifier != wanted) {
        return validation_error("The derived qualifier from the function name does not match the specified qualifier.");
    }
    reference->qualifier = wanted;
    return reference;
}

Result<FunctionName> function_name(const Services& services, const Call& call) {
    auto reference = function_reference(call);
    if (!reference) return reference.error();
    if (!reference->qualifier.empty()) {
        return Error(lambda::Errc::resource_not_found,
                     "Function not found: " + services.rooms.arns.function(reference->name) + ":" + reference->qualifier);
    }
    return std::move(reference->name);
}

json function_configuration(const lambda::FunctionConfiguration& function) {
    json out{{"FunctionName", function.name.str()},
             {"FunctionArn", function.arn},
             {"Runtime", function.runtime},
             {"Role", function.role},
             {"Handler", function.handler},
             {"CodeSize", function.code_size_bytes},
             {"Description", function.description},
             {"Timeout", function.timeout_s},
             {"MemorySize", function.memory_mb},
             {"LastModified", lambda_time(function.modified_at)},
             {"CodeSha256", function.code_sha256},
             {"Version", function.version},
             {"TracingConfig", {{"Mode", "PassThrough"}}},
             {"RevisionId", function.revision_id},
             {"State", "Active"},
             {"LastUpdateStatus", "Successful"},
             {"PackageType", "Zip"},
             {"Architectures", json::array({function.architecture})},
             {"EphemeralStorage", {{"Size", 512}}}};
    if (!function.environment.empty()) out["Environment"] = {{"Variables", function.environment}};
    return out;
}

std::span<const Operation> lambda_operations() {
    return operations;
}

}  // namespace fogbank::api
