#include "lambda/function_reference.h"

#include <algorithm>
#include <vector>

#include "lambda/errc.h"
#include "lambda/limits.h"

namespace fogbank::lambda {
namespace {

/// API reference, Invoke: the current model's bound on FunctionName, and that on Qualifier.
constexpr std::size_t reference_bytes_max = 256;
constexpr std::size_t qualifier_bytes_max = 128;

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t colon = text.find(':');
        parts.push_back(text.substr(0, colon));
        if (colon == std::string_view::npos) return parts;
        text.remove_prefix(colon + 1);
    }
}

/// How many parts stand before the function's name: 0, 2 (`account:function:`) or 6 (the whole ARN).
std::size_t parts_before_name(const std::vector<std::string_view>& parts) {
    if (parts.size() >= 7 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function") return 6;
    return parts.size() >= 3 && parts[1] == "function" ? 2 : 0;
}

}  // namespace

bool is_qualifier(std::string_view text) {
    return text == latest_version || (text.size() <= qualifier_bytes_max && is_name(text));
}

Result<FunctionReference> parse_function_reference(std::string_view text) {
    const auto invalid = [text] {
        return Error(Errc::invalid_parameter,
                     "1 validation error detected: Value '" + std::string(text.substr(0, reference_bytes_max)) +
                         "' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
                         "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?"
                         "([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?");
    };
    if (text.size() > reference_bytes_max) return invalid();
    const auto parts = split(text);
    const std::size_t before = parts_before_name(parts);
    const std::size_t rest = parts.size() - before;
    if (rest < 1 || rest > 2 || !is_name(parts[before]) || parts[before].size() > function_name_bytes_max) return invalid();
    FunctionReference out{FunctionName(parts[before]), {}};
    if (rest == 2) {
        if (!is_qualifier(parts[before + 1])) return invalid();
        if (parts[before + 1] != latest_version) out.qualifier = parts[before + 1];
    }
    return out;
}

}  // namespace fogbank::lambda
