/// Looks up what a parsed statement names, and refuses what cannot run: the last step that can fail.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "rules/ast.h"
#include "rules/external.h"
#include "rules/value.h"

namespace fogbank::rules::sql {

/// Source of both: reference "rules-sql", section 1.3.
inline constexpr std::size_t variables_max = 10;
inline constexpr std::size_t variable_name_bytes_max = 64;

/// Sets `function` and `cast_type` in the tree; checks functions, SQL version, variables, where `*` may stand.
/// @param warnings  receives texts about what is legal but surely not meant, such as a call with the wrong number of arguments (Undefined,
/// as documented). Errors: sql_parse with position and reason.
/// @param why_not  the services that statements of this place cannot ask.
Result<void> resolve(Statement& statement, Version version, const WhyNoExternal& why_not, std::vector<std::string>& warnings);

/// The same for one expression of a substitution template, which may read the variables of `statement`.
Result<void> resolve_template(Expression& expression, const std::vector<std::string>& variables, Version version,
                              const WhyNoExternal& why_not, std::vector<std::string>& warnings);

/// The service that a resolved call asks, if any.
std::optional<External> asked_service(const Expression& call);

}  // namespace fogbank::rules::sql
