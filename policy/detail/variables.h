/// Policy variables. Source: IAM User Guide, "IAM policy elements: Variables and tags".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/detail/pattern.h"
#include "policy/document.h"

namespace fogbank::policy {

/// Turns the text of a policy into a pattern: `*` and `?` are wildcards, `${name}` is replaced by its value, whose characters are all
/// literal, and
/// `${*}`, `${?}`, `${$}` are these characters themselves. An unclosed `${` is text.
///
/// @param context  null: variables are text (policies of version 2008-10-17).
/// @param unresolved  set to the name of the first variable without (exactly one) value.
/// @return nothing if a variable could not be resolved.
std::optional<Pattern> substitute(std::string_view text, const Context* context, std::string& unresolved);

/// Whether some `${…}` in `text` names `key`, without regard to case.
bool mentions_variable(std::string_view text, std::string_view key);

/// Whether every `${…}` in `text` has a value in `context`.
bool all_variables_are(std::string_view text, const Context& context);

bool same_key(std::string_view a, std::string_view b);  ///< without regard to case

}  // namespace fogbank::policy
