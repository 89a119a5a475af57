/// Which runtimes there are, what they run and with which environment.
/// Source: Developer Guide, "Lambda runtimes", "Using environment variables" (reference "lambda", section 3).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace fogbank::lambda {

struct FunctionConfiguration;

enum class RuntimeKind : std::uint8_t {
    cpp,       ///< `fogbank-cpp`: a shared object built against fogbank/lambda.h
    provided,  ///< `provided`, `provided.al2`, `provided.al2023`: an executable `bootstrap` in the package
    nodejs,    ///< `nodejs20.x` …: the server's `node`, whatever its version
    python,    ///< `python3.11` …: the server's interpreter of that version, or else `python3`
};

/// Nothing for a runtime that this server does not have.
std::optional<RuntimeKind> runtime_kind(std::string_view runtime);
/// The names as AWS writes an enum value set.
std::string runtime_names();

/// The variable that makes a C++ function run inside the server: faster, and a crash in it is the server's.
inline constexpr std::string_view in_process_variable = "FOGBANK_IN_PROCESS";
/// Whether the function's variables ask for that, and it is a C++ function.
bool runs_in_process(const FunctionConfiguration& function);

/// Where processes find the rest of the server.
struct RuntimeSurroundings {
    std::string endpoint_url;  ///< of the AWS APIs, for AWS_ENDPOINT_URL; empty: none
    std::string region;
    std::string node_path;             ///< folders with packages for every Node.js function; may be empty
    std::string search_path;           ///< PATH: where interpreters are found
    std::filesystem::path bootstraps;  ///< folder with what write_bootstraps wrote
};

struct RuntimeCredentials {
    std::string access_key_id, secret_access_key, session_token;
};

/// Keeps the bootstraps of the script runtimes in `folder`. Errors: unavailable.
Result<void> write_bootstraps(const std::filesystem::path& folder);

/// The program and its arguments for a function whose package lies in `code`; empty for C++. Errors: invalid_code, when the server has no
/// interpreter for it.
Result<std::vector<std::string>> runtime_command(const FunctionConfiguration& function, const std::filesystem::path& code,
                                                 const RuntimeSurroundings& surroundings);

/// All variables of a process: the function's own, and those that AWS documents.
std::vector<std::string> runtime_environment(const FunctionConfiguration& function, const std::filesystem::path& code,
                                             const RuntimeSurroundings& surroundings, const RuntimeCredentials& credentials,
                                             std::string_view log_stream);

/// Names that a function's own variables must not have. Source: Developer Guide, "Reserved environment variables".
bool is_reserved_variable(std::string_view name);

}  // namespace fogbank::lambda
