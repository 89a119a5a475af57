/// How callers name a function. Source: API reference, Invoke, FunctionName: a name, a partial ARN or a whole one, each with a qualifier or
/// without.
#pragma once

#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"

namespace fogbank::lambda {

/// The qualifier of the code that can be changed.
inline constexpr std::string_view latest_version = "$LATEST";

struct FunctionReference {
    FunctionName name;
    std::string qualifier;  ///< a version's number or an alias's name; empty: not given, or `$LATEST`
};

/// `name`, `account:function:name`, `arn:aws:lambda:region:account:function:name`, each perhaps with `:qualifier`. The account and region
/// are not compared: ARNs that were copied from AWS name the local function.
///
/// Errors: invalid_parameter.
Result<FunctionReference> parse_function_reference(std::string_view text);

/// Whether `text` may be a version or an alias: `$LATEST`, digits, or a name of letters, digits, `-` and `_`, at most 128 bytes.
bool is_qualifier(std::string_view text);

}  // namespace fogbank::lambda
