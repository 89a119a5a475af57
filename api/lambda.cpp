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
