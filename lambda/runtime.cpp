#include "lambda/runtime.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "lambda/embedded.h"
#include "lambda/errc.h"
#include "lambda/function_service.h"

namespace fogbank::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view node_file = "node.cjs", python_file = "bootstrap.py";

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether it is a program itself, not a script: version managers put scripts on the PATH that may refuse to run.
bool is_binary(const fs::path& file) {
    std::array<char, 4> magic{};
    std::ifstream in(file, std::ios::binary);
    return in.read(magic.data(), magic.size()) && std::string_view(magic.data(), magic.size()) ==
                                                      "\x7f"
                                                      "ELF";
}

/// An executable file of that name in a folder of `search_path`.
std::optional<std::string> find_program(std::string_view search_path, std::string_view name, bool binary) {
    while (!search_path.empty()) {
        const std::size_t colon = search_path.find(':');
        const fs::path file = fs::path(search_path.substr(0, colon)) / name;
        std::error_code ignored;
        const bool runs = file.is_absolute() && fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
        if (runs && (!binary || is_binary(file))) return file.string();
        search_path = colon == std::string_view::npos ? std::string_view() : search_path.substr(colon + 1);
    }
    return std::nullopt;
}

Result<std::string> interpreter(std::string_view runtime, std::string_view search_path, std::initializer_list<std::string_view> names) {
    for (const bool binary : {true, false}) {
        for (const std::string_view name : names) {
            if (auto program = find_program(search_path, name, binary)) return std::move(*program);
        }
    }
    return Error(Errc::invalid_code, "runtime " + std::string(runtime) + " needs `" + std::string(*names.begin()) +
                                         "` on the server's PATH, and it is not there");
}

Result<void> write_file(const fs::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out) return Error(Errc::unavailable, "`" + file.string() + "` cannot be written");
    return {};
}

/// node's own bound on its heap, so that a function that needs more ends with a reason in its log.
std::string heap_option(std::int64_t memory_mb) {
    return "--max-old-space-size=" + std::to_string(memory_mb * 3 / 4);
}

}  // namespace

std::optional<RuntimeKind> runtime_kind(std::string_view runtime) {
    if (runtime == cpp_runtime) return RuntimeKind::cpp;
    if (runtime == "provided" || runtime == "provided.al2" || runtime == "provided.al2023") return RuntimeKind::provided;
    constexpr std::string_view node = "nodejs", python = "python3.";
    if (runtime.starts_with(node) && runtime.ends_with(".x") && is_number(runtime.substr(node.size(), runtime.size() - node.size() - 2)))
        return RuntimeKind::nodejs;
    if (runtime.starts_with(python) && is_number(runtime.substr(python.size()))) return RuntimeKind::python;
    return std::nullopt;
}

std::string runtime_names() {
    return std::string(cpp_runtime) + ", provided, provided.al2, provided.al2023, nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x, " +
           "python3.9, python3.10, python3.11, python3.12, python3.13, python3.14";
}

bool runs_in_process(const FunctionConfiguration& function) {
    if (function.runtime != cpp_runtime) return false;
    const auto found = function.environment.find(std::string(in_process_variable));
    return found != function.environment.end() && found->second == "1";
}

Result<void> write_bootstraps(const fs::path& folder) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) return Error(Errc::unavailable, "`" + folder.string() + "`: " + failed.message());
    if (auto written = write_file(folder / node_file, node_bootstrap); !written) return written;
    return write_file(folder / python_file, python_bootstrap);
}

Result<std::vector<std::string>> runtime_command(const FunctionConfiguration& function, const fs::path& code,
                                                 const RuntimeSurroundings& surroundings) {
    switch (runtime_kind(function.runtime).value_or(RuntimeKind::cpp)) {
        case RuntimeKind::cpp:
            return std::vector<std::string>();
        case RuntimeKind::provided:
            return std::vector<std::string>{(code / "bootstrap").string()};
        case RuntimeKind::nodejs: {
            auto program = interpreter(function.runtime, surroundings.search_path, {"node", "nodejs"});
            if (!program) return program.error();
            return std::vector<std::string>{*program, heap_option(function.memory_mb), (surroundings.bootstraps / node_file).string()};
        }
        case RuntimeKind::python: {
            auto program = interpreter(function.runtime, surroundings.search_path, {function.runtime, "python3"});
            if (!program) return program.error();
            return std::vector<std::string>{*program, "-u", "-B", (surroundings.bootstraps / python_file).string()};
        }
    }
    return std::vector<std::string>();
}

std::vector<std::string> runtime_environment(const FunctionConfiguration& function, const fs::path& code,
                                             const RuntimeSurroundings& surroundings, const RuntimeCredentials& credentials,
                                             std::string_view log_stream) {
    const std::string name = function.name.str();
    // First what a function may override.
    std::map<std::string, std::string> variables{{"PATH", surroundings.search_path},
                                                 {"LANG", "C.UTF-8"},
                                                 {"TZ", ":UTC"},
                                                 {"HOME", "/tmp"},
                                                 {"LD_LIBRARY_PATH", (code / "lib").string() + ":" + code.string()},
                                                 {"PYTHONPATH", code.string()},
                                                 {"NODE_PATH", surroundings.node_path},
                                                 {"AWS_EC2_METADATA_DISABLED", "true"},
                                                 {"AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE", "1"},
                                                 {"NODE_NO_WARNINGS", "1"}};
    if (!surroundings.endpoint_url.empty()) variables["AWS_ENDPOINT_URL"] = surroundings.endpoint_url;
    for (const auto& [key, value] : function.environment) variables[key] = value;
    for (const auto& [key, value] :
         std::initializer_list<std::pair<const char*, std::string>>{{"_HANDLER", function.handler},
                                                                    {"AWS_REGION", surroundings.region},
                                                                    {"AWS_DEFAULT_REGION", surroundings.region},
                                                                    {"AWS_EXECUTION_ENV", "AWS_Lambda_" + function.runtime},
                                                                    {"AWS_LAMBDA_FUNCTION_NAME", name},
                                                                    {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(function.memory_mb)},
                                                                    {"AWS_LAMBDA_FUNCTION_VERSION", function.version},
                                                                    {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
                                                                    {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + name},
                                                                    {"AWS_LAMBDA_LOG_STREAM_NAME", std::string(log_stream)},
                                                                    {"AWS_ACCESS_KEY_ID", credentials.access_key_id},
                                                                    {"AWS_SECRET_ACCESS_KEY", credentials.secret_access_key},
                                                                    {"AWS_SESSION_TOKEN", credentials.session_token},
                                                                    {"LAMBDA_TASK_ROOT", code.string()},
                                                                    {"LAMBDA_RUNTIME_DIR", surroundings.bootstraps.string()}}) {
        variables[key] = value;
    }
    std::vector<std::string> out;
    for (const auto& [key, value] : variables) {
        if (!value.empty() || function.environment.contains(key)) out.push_back(key + "=" + value);
    }
    return out;
}

bool is_reserved_variable(std::string_view name) {
    static constexpr std::array names{"_HANDLER",
                                      "_X_AMZN_TRACE_ID",
                                      "AWS_REGION",
                                      "AWS_DEFAULT_REGION",
                                      "AWS_EXECUTION_ENV",
                                      "AWS_LAMBDA_FUNCTION_NAME",
                                      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                      "AWS_LAMBDA_FUNCTION_VERSION",
                                      "AWS_LAMBDA_INITIALIZATION_TYPE",
                                      "AWS_LAMBDA_LOG_GROUP_NAME",
                                      "AWS_LAMBDA_LOG_STREAM_NAME",
                                      "AWS_ACCESS_KEY",
                                      "AWS_ACCESS_KEY_ID",
                                      "AWS_SECRET_ACCESS_KEY",
                                      "AWS_SESSION_TOKEN",
                                      "AWS_LAMBDA_RUNTIME_API",
                                      "LAMBDA_TASK_ROOT",
                                      "LAMBDA_RUNTIME_DIR"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace fogbank::lambda
