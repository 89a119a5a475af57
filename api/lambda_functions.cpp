/// Lambda's operations on functions: create, get, list, update, delete.
///
/// Fogbank's extension: Code.S3Bucket `fogbank-local-path` with Code.S3Key an absolute path names a shared object, or the folder of a
/// package, on the server's own disk: run from there, and again when it is changed.
#include <array>
#include <nlohmann/json.hpp>

#include "api/lambda.h"
#include "api/members.h"
#include "common/encoding.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::string_view local_path_bucket = "fogbank-local-path";
constexpr std::int64_t page_max = 10'000;  // model: MaxListItems
constexpr std::int64_t default_page = 50;  // API reference, ListFunctions
constexpr std::size_t timeout_s_max = 900, memory_mb_min = 128, memory_mb_max = 10'240;

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

/// `code` is the member Code of CreateFunction or the body of UpdateFunctionCode.
Result<lambda::FunctionCode> read_code(const json& code) {
    const auto zip = optional_string(code, "ZipFile"), bucket = optional_string(code, "S3Bucket"), key = optional_string(code, "S3Key");
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
    if (find_member(code, "ImageUri") != nullptr) return validation_error("ImageUri is not supported by this server");
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

Result<std::optional<std::string>> read_architecture(const json& body) {
    const json* all = find_member(body, "Architectures");
    if (all == nullptr) return std::optional<std::string>();
    const bool one = all->is_array() && all->size() == 1 && (*all)[0].is_string();
    const std::string name = one ? (*all)[0].get<std::string>() : std::string();
    if (name != "x86_64" && name != "arm64") {
        return constraint_error(all->dump(-1, ' ', false, json::error_handler_t::replace), "architectures",
                                "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]");
    }
    return std::optional<std::string>(name);
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
    const auto body = json_object_body(call, function_body_bytes_max);
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
    const json* given = find_member(*body, "Code");
    if (given == nullptr) return missing_member("code");
    if (!given->is_object()) return validation_error("Code must be an object");
    auto code = read_code(*given);
    if (!code) return code.error();
    const auto architecture = read_architecture(*body);
    if (!architecture) return architecture.error();
    out.architecture = architecture->value_or("x86_64");
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

Result<lambda::UpdateFunctionRequest> read_update_code(const json& body, FunctionName name) {
    lambda::UpdateFunctionRequest out;
    out.name = std::move(name);
    auto code = read_code(body);
    if (!code) return code.error();
    auto architecture = read_architecture(body);
    if (!architecture) return architecture.error();
    const auto dry_run = optional_bool(body, "DryRun"), publish = optional_bool(body, "Publish");
    if (!dry_run) return dry_run.error();
    if (!publish) return publish.error();
    if (publish->value_or(false)) return validation_error("Publish true is not supported by this server: functions have no versions yet");
    auto revision = optional_string(body, "RevisionId");
    if (!revision) return revision.error();
    out.code = std::move(*code);
    out.architecture = std::move(*architecture);
    out.revision_id = std::move(*revision);
    out.dry_run = dry_run->value_or(false);
    return out;
}

Result<lambda::UpdateFunctionRequest> read_update_configuration(const json& body, FunctionName name) {
    lambda::UpdateFunctionRequest out;
    out.name = std::move(name);
    for (const auto& [member, field] : {std::pair<const char*, std::optional<std::string>*>("Runtime", &out.runtime),
                                        {"Role", &out.role},
                                        {"Handler", &out.handler},
                                        {"Description", &out.description},
                                        {"RevisionId", &out.revision_id}}) {
        auto value = optional_string(body, member);
        if (!value) return value.error();
        *field = std::move(*value);
    }
    if (const auto refused = refuse_options(body); !refused) return refused.error();
    if (find_member(body, "Environment") != nullptr) {
        auto environment = read_environment(body);
        if (!environment) return environment.error();
        out.environment = std::move(*environment);
    }
    if (find_member(body, "Timeout") != nullptr) {
        const auto timeout = bounded(body, "Timeout", "timeout", 1, timeout_s_max, 3);
        if (!timeout) return timeout.error();
        out.timeout_s = *timeout;
    }
    if (find_member(body, "MemorySize") != nullptr) {
        const auto memory = bounded(body, "MemorySize", "memorySize", memory_mb_min, memory_mb_max, 128);
        if (!memory) return memory.error();
        out.memory_mb = *memory;
    }
    return out;
}

using ReadUpdate = Result<lambda::UpdateFunctionRequest> (*)(const json& body, FunctionName name);

asio::awaitable<Outcome> update(const Services& services, const Call& call, ReadUpdate read) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto body = json_object_body(call, function_body_bytes_max);
    if (!body) co_return body.error();
    auto request = read(*body, std::move(*name));
    if (!request) co_return request.error();
    const auto updated = co_await services.rooms.functions.update_function(std::move(*request));
    if (!updated) co_return updated.error();
    co_return json_response(function_configuration(*updated));
}

}  // namespace

asio::awaitable<Outcome> create_function(const Services& services, const Call& call) {
    auto request = read_create(call);
    if (!request) co_return request.error();
    const auto made = co_await services.rooms.functions.create_function(std::move(*request));
    if (!made) co_return made.error();
    co_return json_response(function_configuration(*made), 201);
}

asio::awaitable<Outcome> get_function(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.functions.get_function(std::move(*name));
    if (!found) co_return found.error();
    // Code.Location would be a URL to download the code from; this server does not hand code out.
    co_return json_response({{"Configuration", function_configuration(*found)}, {"Code", json::object()}});
}

asio::awaitable<Outcome> get_function_configuration(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.functions.get_function(std::move(*name));
    if (!found) co_return found.error();
    co_return json_response(function_configuration(*found));
}

asio::awaitable<Outcome> list_functions(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "MaxItems", 1, page_max);
    if (!limit) co_return limit.error();
    const auto all = co_await services.rooms.functions.list_functions();
    if (!all) co_return all.error();
    const auto part = slice(call.query_value("Marker"), all->size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json functions = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) functions.push_back(function_configuration((*all)[i]));
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

asio::awaitable<Outcome> update_function_code(const Services& services, const Call& call) {
    return update(services, call, read_update_code);
}
asio::awaitable<Outcome> update_function_configuration(const Services& services, const Call& call) {
    return update(services, call, read_update_configuration);
}

}  // namespace fogbank::api
