/// Lambda's function operations. Source: AWS Lambda API reference 2015-03-31 (reference "lambda", sections 1 and 2).
///
/// Fogbank's extension: Code.S3Bucket `fogbank-local-path` with Code.S3Key an absolute path names a shared object on the server's own disk,
/// loaded from there and reloaded when it is replaced.
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "api/callback.h"
#include "api/members.h"
#include "common/encoding.h"
#include "lambda/function_service.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::string_view local_path_bucket = "fogbank-local-path";
constexpr std::size_t create_body_bytes_max = 70 * 1024 * 1024;  // Lambda takes 50 MB of zip directly, 67 MB as base64
constexpr std::int64_t page_max = 10'000;                        // model: MaxListItems
constexpr std::int64_t default_page = 50;                        // API reference, ListFunctions
constexpr std::chrono::seconds queue_deadline{30};
constexpr std::size_t timeout_s_max = 900, memory_mb_min = 128, memory_mb_max = 10'240;

/// `name`, `name:$LATEST`, `account:function:name` or a whole ARN. Errors: resource_not_found for versions and aliases, which there are
/// none of yet.
Result<FunctionName> function_name(const Services& services, const Call& call) {
    const std::string& text = call.label("FunctionName");
    std::string_view rest = text;
    if (const std::size_t at = rest.rfind("function:"); at != std::string_view::npos) rest.remove_prefix(at + 9);
    const std::size_t colon = rest.find(':');
    const FunctionName name(rest.substr(0, colon));
    std::string_view qualifier = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    if (const std::string* given = call.query_value("Qualifier")) qualifier = *given;
    if (!qualifier.empty() && qualifier != "$LATEST") {
        return Error(lambda::Errc::resource_not_found,
                     "Function not found: " + services.rooms.arns.function(name) + ":" + std::string(qualifier));
    }
    return name;
}

/// `2023-01-01T00:00:00.000+0000`
std::string iso_time(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const std::time_t count = std::chrono::system_clock::to_time_t(seconds);
    std::tm parts{};
    gmtime_r(&count, &parts);
    std::array<char, 40> buffer{};
    const std::size_t size = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    const std::string milliseconds = std::to_string(1000 + (time - seconds).count()).substr(1);
    return std::string(buffer.data(), size) + "." + milliseconds + "+0000";
}

json configuration(const lambda::FunctionConfiguration& function) {
    json out{{"FunctionName", function.name.str()},
             {"FunctionArn", function.arn},
             {"Runtime", function.runtime},
             {"Role", function.role},
             {"Handler", function.handler},
             {"CodeSize", function.code_size_bytes},
             {"Description", function.description},
             {"Timeout", function.timeout_s},
             {"MemorySize", function.memory_mb},
             {"LastModified", iso_time(function.modified_at)},
             {"CodeSha256", function.code_sha256},
             {"Version", "$LATEST"},
             {"TracingConfig", {{"Mode", "PassThrough"}}},
             {"RevisionId", function.revision_id},
             {"State", "Active"},
             {"LastUpdateStatus", "Successful"},
             {"PackageType", "Zip"},
             {"Architectures", json::array({"x86_64"})}};
    if (!function.environment.empty()) out["Environment"] = {{"Variables", function.environment}};
    return out;
}

/// Options of CreateFunction that this server does not have: refused when they ask for something, never ignored.
Result<void> refuse_options(const json& body) {
    for (const char* name :
         {"VpcConfig", "DeadLetterConfig", "Layers", "FileSystemConfigs", "ImageConfig", "KMSKeyArn", "CodeSigningConfigArn", "Tags"}) {
        const json* value = find_member(body, name);
        if (value != nullptr && !value->empty()) return validation_error(std::string(name) + " is not supported by this server");
    }
    const auto publish = optional_bool(body, "Publish");
    if (!publish) return publish.error();
    if (publish->value_or(false)) return validation_error("Publish true is not supported by this server: functions have no versions yet");
    const auto package = optional_string(body, "PackageType");
    if (!package) return package.error();
    if (package->value_or("Zip") != "Zip") return validation_error("PackageType " + **package + " is not supported by this server");
    return {};
}

Result<lambda::FunctionCode> read_code(const json& body) {
    const json* code = find_member(body, "Code");
    if (code == nullptr) return missing_member("code");
    if (!code->is_object()) return validation_error("Code must be an object");
    const auto zip = optional_string(*code, "ZipFile"), bucket = optional_string(*code, "S3Bucket"), key = optional_string(*code, "S3Key");
    if (!zip) return zip.error();
    if (!bucket) return bucket.error();
    if (!key) return key.error();
    lambda::FunctionCode out;
    if (*zip) {
        auto bytes = base64_decode(**zip);
        if (!bytes || bytes->empty())
            return validation_error("Could not unzip uploaded file. Please check your file, then try to upload again.");
        out.zip = std::move(*bytes);
        return out;
    }
    if (*bucket != std::string(local_path_bucket)) {
        return validation_error(
            *bucket ? "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"
                    : "Please provide a source for function code.");
    }
    out.file = key->value_or(std::string());
    if (!out.file.is_absolute())
        return validation_error("Code.S3Key must be an absolute path on the server when Code.S3Bucket is fogbank-local-path");
    return out;
}

Result<std::map<std::string, std::string>> read_environment(const json& body) {
    std::map<std::string, std::string> out;
    const json* environment = find_member(body, "Environment");
    if (environment == nullptr) return out;
    const json* variables = environment->is_object() ? find_member(*environment, "Variables") : nullptr;
    if (variables == nullptr) return out;
    if (!variables->is_object()) return validation_error("Environment.Variables must be an object");
    for (const auto& [name, value] : variables->items()) {
        if (!value.is_string()) return validation_error("environment variable `" + name + "` must be a string");
        out.emplace(name, value.get<std::string>());
    }
    return out;
}

/// The integer member within [low, high], `fallback` if absent.
Result<std::int64_t> bounded(const json& body, const char* name, const char* model_name, std::size_t low, std::size_t high,
                             std::int64_t fallback) {
    const auto value = optional_integer(body, name);
    if (!value) return value.error();
    const std::int64_t number = value->value_or(fallback);
    if (number < static_cast<std::int64_t>(low)) {
        return constraint_error(std::to_string(number), model_name,
                                "Member must have value greater than or equal to " + std::to_string(low));
    }
    if (number > static_cast<std::int64_t>(high)) {
        return constraint_error(std::to_string(number), model_name, "Member must have value less than or equal to " + std::to_string(high));
    }
    return number;
}

Result<lambda::CreateFunctionRequest> read_create(const Call& call) {
    const auto body = json_object_body(call, create_body_bytes_max);
    if (!body) return body.error();
    if (find_member(*body, "FunctionName") == nullptr) return missing_member("functionName");
    if (find_member(*body, "Role") == nullptr) return missing_member("role");
    lambda::CreateFunctionRequest out;
    std::string name;
    for (const auto& [member, field] : {std::pair<const char*, std::string*>("FunctionName", &name),
                                        {"Runtime", &out.runtime},
                                        {"Role", &out.role},
                                        {"Handler", &out.handler},
                                        {"Description", &out.description}}) {
        auto value = optional_string(*body, member);
        if (!value) return value.error();
        *field = value->value_or(std::string());
    }
    if (const std::size_t at = name.rfind("function:"); at != std::string::npos) name.erase(0, at + 9);
    out.name = FunctionName(std::move(name));
    auto code = read_code(*body);
    if (!code) return code.error();
    if (const auto refused = refuse_options(*body); !refused) return refused.error();
    auto environment = read_environment(*body);
    if (!environment) return environment.error();
    const auto timeout = bounded(*body, "Timeout", "timeout", 1, timeout_s_max, 3);
    if (!timeout) return timeout.error();
    const auto memory = bounded(*body, "MemorySize", "memorySize", memory_mb_min, memory_mb_max, 128);
    if (!memory) return memory.error();
    out.code = std::move(*code);
    out.environment = std::move(*environment);
    out.timeout_s = *timeout;
    out.memory_mb = *memory;
    return out;
}

asio::awaitable<Outcome> create_function(const Services& services, const Call& call) {
    auto request = read_create(call);
    if (!request) co_return request.error();
    const auto made = co_await services.rooms.functions.create_function(std::move(*request));
    if (!made) co_return made.error();
    co_return json_response(configuration(*made), 201);
}

asio::awaitable<Outcome> get_function(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.functions.get_function(std::move(*name));
    if (!found) co_return found.error();
    // Code.Location would be a URL to download the code from; this server does not hand code out.
    co_return json_response({{"Configuration", configuration(*found)}, {"Code", json::object()}});
}

asio::awaitable<Outcome> get_function_configuration(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.functions.get_function(std::move(*name));
    if (!found) co_return found.error();
    co_return json_response(configuration(*found));
}

asio::awaitable<Outcome> list_functions(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "MaxItems", 1, page_max);
    if (!limit) co_return limit.error();
    const auto all = co_await services.rooms.functions.list_functions();
    if (!all) co_return all.error();
    const auto part = slice(call.query_value("Marker"), all->size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json functions = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) functions.push_back(configuration((*all)[i]));
    json answer{{"Functions", std::move(functions)}};
    if (part->next) answer["NextMarker"] = *part->next;
    co_return json_response(answer);
}

asio::awaitable<Outcome> delete_function(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto done = co_await services.rooms.functions.delete_function(std::move(*name));
    if (!done) co_return done.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> invoke_and_wait(const Services& services, const Call& call, FunctionName name) {
    // Without a payload the handler sees an empty object.
    std::string event = call.request.body.empty() ? std::string("{}") : call.request.body;
    const auto result = co_await services.rooms.functions.invoke(std::move(name), std::move(event));
    if (!result) co_return result.error();
    Response response(200);
    response.content_type = "application/json";
    response.headers.emplace_back("X-Amz-Executed-Version", "$LATEST");
    if (!result->function_error.empty()) response.headers.emplace_back("X-Amz-Function-Error", result->function_error);
    if (call.request.header("x-amz-log-type") == std::string_view("Tail")) {
        response.headers.emplace_back("X-Amz-Log-Result", base64_encode(result->log_tail));
    }
    response.body = result->payload;
    co_return response;
}

asio::awaitable<Outcome> invoke_event(const Services& services, const Call& call, FunctionName name) {
    std::string event = call.request.body.empty() ? std::string("{}") : call.request.body;
    UniqueFunction<void(Callback)> start = [&services, name = std::move(name), event = std::move(event)](Callback done) mutable {
        services.rooms.functions.invoke_async(std::move(name), std::move(event), std::move(done));
    };
    const auto queued = co_await wait_for_callback(std::move(start), queue_deadline);
    if (!queued) co_return queued.error();
    co_return empty_response(202);
}

asio::awaitable<Outcome> invoke(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    if (call.request.header("x-amz-client-context")) co_return validation_error("ClientContext is not supported by this server");
    const std::string log_type(call.request.header("x-amz-log-type").value_or("None"));
    if (log_type != "None" && log_type != "Tail")
        co_return constraint_error(log_type, "logType", "Member must satisfy enum value set: [None, Tail]");
    const std::string type(call.request.header("x-amz-invocation-type").value_or("RequestResponse"));
    if (type == "Event") co_return co_await invoke_event(services, call, std::move(*name));
    if (type == "RequestResponse") co_return co_await invoke_and_wait(services, call, std::move(*name));
    if (type != "DryRun") {
        co_return constraint_error(type, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]");
    }
    const auto found = co_await services.rooms.functions.get_function(std::move(*name));
    if (!found) co_return found.error();
    co_return empty_response(204);
}

constexpr std::array operations{
    Operation{"CreateFunction", "POST", "/2015-03-31/functions", create_function},
    Operation{"CreateFunction", "POST", "/2015-03-31/functions/", create_function},
    Operation{"ListFunctions", "GET", "/2015-03-31/functions", list_functions},
    Operation{"ListFunctions", "GET", "/2015-03-31/functions/", list_functions},
    Operation{"GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", get_function},
    Operation{"DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", delete_function},
    Operation{"GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration", get_function_configuration},
    Operation{"Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", invoke},
};

}  // namespace

std::span<const Operation> lambda_operations() {
    return operations;
}

}  // namespace fogbank::api
