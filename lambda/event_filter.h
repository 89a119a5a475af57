/// Filter patterns of event source mappings: JSON that says which records a function wants.
///
/// Each member of a pattern must match the member of that name: an object recursively, an array if one of its alternatives does. `$or`
/// is an array of patterns of which one must match. Alternatives: a string, number, true, false or null that must be equal, and objects
/// with one operator: `prefix`, `suffix`, `equals-ignore-case`, `anything-but` (a value or an array of values), `numeric`
/// (`["=", 3]`, `[">", 0, "<=", 5]`), `exists`. Of an array in the record, one element must match.
/// Source: AWS Lambda Developer Guide, "Control which events Lambda sends to your function", "Filter rule syntax".
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace fogbank::lambda {

/// Immutable, cheap to copy.
class EventFilter {
  public:
    /// Errors: invalid_parameter: not JSON, not an object, an operator that is not in the list above, too large.
    static Result<EventFilter> parse(std::string_view pattern);
    bool matches(const nlohmann::json& record) const;

    struct Fields;

  private:
    std::shared_ptr<const Fields> fields_;
};

/// Whether one of the filters matches, or there are none.
bool wanted(const std::vector<EventFilter>& filters, const nlohmann::json& record);

}  // namespace fogbank::lambda
