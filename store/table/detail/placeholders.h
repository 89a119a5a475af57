/// ExpressionAttributeNames and ExpressionAttributeValues of one request, and which of them its expressions have used.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "common/result.h"
#include "store/table/detail/expression_ast.h"
#include "store/table/table_service.h"

namespace fogbank::store::table {

/// Whether the request has this expression.
inline bool is_given(const Expression& expression) {
    return expression.given || !expression.text.empty();
}

/// One expression parameter of an operation, under the name that DynamoDB's messages use.
struct ExpressionParameter {
    std::string_view name;
    const Expression& expression;
};

/// Looks placeholders up for the expressions of one request. The placeholders must outlive it.
class PlaceholderScope {
  public:
    explicit PlaceholderScope(const Placeholders& placeholders) : placeholders_(placeholders) {}

    /// The checks of the maps themselves, before any expression is read. `expressions`: all that the operation can have and that may use
    /// names; `with_values`: those that may use values.
    Result<void> check(std::initializer_list<ExpressionParameter> expressions,
                       std::initializer_list<ExpressionParameter> with_values) const;

    /// The attribute name behind a step as written; marks the placeholder as used. Error: not defined.
    Result<std::string> name(std::string_view written);
    /// The value behind `:x`, valid as long as the placeholders. Error: not defined.
    Result<const AttributeValue*> value(std::string_view placeholder);

    /// Error: a placeholder that no expression has used.
    Result<void> check_all_used() const;

  private:
    const Placeholders& placeholders_;
    std::set<std::string, std::less<>> used_;
};

}  // namespace fogbank::store::table
