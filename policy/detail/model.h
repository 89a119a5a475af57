/// A policy document as parsed: what was written, not yet what it means. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "policy/detail/actions.h"
#include "policy/detail/operators.h"
#include "policy/document.h"

namespace fogbank::policy {

/// One key of one operator in a Condition: `"StringEquals": {"iot:ClientId": ["a", "b"]}`.
struct Condition {
    std::string operator_text;  ///< as written: `ForAnyValue:StringLikeIfExists`
    ConditionOperator op;       ///< set by validate()
    std::string key;
    std::vector<std::string> values;  ///< booleans and numbers in their JSON text
};

struct Statement {
    std::string sid;
    std::optional<std::string> effect_text;
    Effect effect = Effect::deny;  ///< set by validate()
    std::optional<std::vector<std::string>> action, not_action;
    ActionSet actions;  ///< set by validate() from action or not_action
    std::optional<std::vector<std::string>> resource, not_resource;
    std::vector<Condition> conditions;
};

struct Document {
    std::optional<std::string> version;
    std::vector<Statement> statements;
    /// IAM: version 2008-10-17 knows no policy variables, `${` is then text. A document without a version is read as the current one (docs:
    /// parity).
    bool has_variables() const { return version != "2008-10-17"; }
};

/// JSON text to a document; checks the shape (which element is a string, an array, an object), duplicate keys, depth. Errors:
/// malformed_document.
Result<Document> parse_document(std::string_view json);

/// Checks what the elements say and fills in what is derived from text (effects, operators). Errors: malformed_document.
Result<void> validate(Document& document);

/// `statement 2: what`.
Error statement_error(std::size_t statement, std::string_view what);

}  // namespace fogbank::policy
