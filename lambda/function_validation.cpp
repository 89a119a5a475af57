#include "lambda/function_validation.h"

#include <algorithm>

#include "common/encoding.h"
#include "fogbank/json.h"
#include "lambda/limits.h"
#include "lambda/runtime.h"

namespace fogbank::lambda {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

/// AWS's form of a constraint violation.
Error violates(std::string_view value, std::string_view member, const std::string& constraint) {
    return {Errc::invalid_parameter, "1 validation error detected: Value '" + std::string(value.substr(0, 200)) + "' at '" +
                                         std::string(member) + "' failed to satisfy constraint: " + constraint};
}

Error too_long(std::string_view value, std::string_view member, std::size_t bytes_max) {
    return violates(value, member, "Member must have length less than or equal to " + std::to_string(bytes_max));
}

Result<void> validate_name(std::string_view name) {
    const bool good = !name.empty() && name.size() <= function_name_bytes_max &&
                      std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '-'; });
    if (!good) return violates(name, "functionName", "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]{1,64}");
    return {};
}

template <class Request>
Result<void> validate_numbers(const Request& request) {
    if (request.timeout_s < 1 || request.timeout_s > timeout_s_max) {
        return violates(std::to_string(request.timeout_s), "timeout",
                        "Member must have value between 1 and " + std::to_string(timeout_s_max));
    }
    if (request.memory_mb < memory_mb_min || request.memory_mb > memory_mb_max) {
        return violates(std::to_string(request.memory_mb), "memorySize",
                        "Member must have value between " + std::to_string(memory_mb_min) + " and " + std::to_string(memory_mb_max));
    }
    return {};
}

template <class Request>
Result<void> validate_texts(const Request& request) {
    const auto kind = runtime_kind(request.runtime);
    if (!kind) {
        return violates(request.runtime, "runtime", "Member must satisfy enum value set: [" + runtime_names() + "] or be a valid ARN");
    }
    if (request.architecture != "x86_64" && request.architecture != "arm64")
        return violates("[" + request.architecture + "]", "architectures", "Member must satisfy enum value set: [x86_64, arm64]");
    if (*kind != RuntimeKind::cpp && request.handler.empty())
        return Error(Errc::invalid_parameter,
                     "Runtime and Handler are mandatory parameters for functions created with deployment packages.");
    if (request.handler.size() > handler_bytes_max) return too_long(request.handler, "handler", handler_bytes_max);
    if (request.description.size() > description_bytes_max) return too_long(request.description, "description", description_bytes_max);
    if (request.role.size() > role_bytes_max) return too_long(request.role, "role", role_bytes_max);
    for (const auto* text : {&request.handler, &request.description, &request.role}) {
        if (!is_valid_utf8(*text)) return Error(Errc::invalid_parameter, "a text of the request is not UTF-8");
    }
    return {};
}

Result<void> validate_environment(const std::map<std::string, std::string>& environment) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : environment) {
        const bool good = name.size() >= 2 && is_letter(name.front()) && std::all_of(name.begin(), name.end(), is_word);
        if (!good)
            return violates(name, "environment.variables", "Map keys must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+");
        if (is_reserved_variable(name)) {
            return Error(Errc::invalid_parameter,
                         "Lambda was unable to configure your environment variables because the environment variables you have provided "
                         "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: " +
                             name);
        }
        if (value.find('\0') != std::string::npos)
            return Error(Errc::invalid_parameter, "the environment variable `" + name + "` holds a NUL");
        if (!is_valid_utf8(value)) return Error(Errc::invalid_parameter, "the environment variable `" + name + "` is not UTF-8");
        bytes += name.size() + value.size();
    }
    if (bytes > environment_bytes_max) {
        return Error(Errc::invalid_parameter,
                     "Lambda was unable to configure your environment variables because the environment variables you have "
                     "provided exceeded the 4KB limit.");
    }
    return {};
}

}  // namespace

Result<void> validate(const FunctionConfiguration& configuration) {
    if (auto good = validate_texts(configuration); !good) return good;
    if (auto good = validate_numbers(configuration); !good) return good;
    return validate_environment(configuration.environment);
}

Result<void> validate(const CreateFunctionRequest& request) {
    if (auto good = validate_name(request.name.view()); !good) return good;
    if (auto good = validate_texts(request); !good) return good;
    if (auto good = validate_numbers(request); !good) return good;
    if (auto good = validate_environment(request.environment); !good) return good;
    if (request.code.zip.empty() == request.code.file.empty()) {
        return Error(Errc::invalid_code, "exactly one of a zip archive and a file on the server must be given");
    }
    return {};
}

Result<void> validate_event(std::string_view event, std::size_t bytes_max) {
    if (event.size() > bytes_max) {
        return Error(Errc::request_too_large, std::to_string(event.size()) + " byte payload is too large for the invocation (limit " +
                                                  std::to_string(bytes_max) + " bytes)");
    }
    detail::JsonChecker checker(event);
    if (!event.empty() && !checker.document()) {
        return Error(Errc::invalid_request_content,
                     "Could not parse request body into json: at byte " + std::to_string(checker.position()) + ": " + checker.reason());
    }
    return {};
}

}  // namespace fogbank::lambda
