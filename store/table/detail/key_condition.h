/// KeyConditionExpression: from the expression to the one range of the key-value engine that a query reads.
#pragma once

#include <string>
#include <vector>

#include "store/kv/engine.h"
#include "store/table/detail/condition.h"
#include "store/table/detail/item_key.h"

namespace fogbank::store::table {

/// `=`, `<`, …, BETWEEN or begins_with of one attribute with values.
struct AttributeCondition {
    enum class Operation : unsigned char { equal, less, less_or_equal, greater, greater_or_equal, between, begins_with };
    std::string attribute;
    Operation operation = Operation::equal;
    AttributeValue value, upper;  ///< `upper`: of between

    bool matches(const AttributeValue& candidate) const;
};

/// The partition key's values and the conditions on the sort attributes: equality on the first ones, anything on the last.
struct KeyCondition {
    std::vector<AttributeValue> partition;
    std::vector<AttributeCondition> sort;

    /// What the engine's keys of the matching items (entries) lie in. @param space  keyspace() of the table or index
    kv::Range range(std::string_view space) const;
};

/// What can be said before the table is known. Errors: validation, with `Invalid KeyConditionExpression: ` before it.
Result<std::vector<AttributeCondition>> compile_key_condition(const Expression& expression, PlaceholderScope& scope);

/// Errors: validation, such as `Query condition missed key schema element: …`.
Result<KeyCondition> match_key_schema(std::vector<AttributeCondition> conditions, const IndexKeys& layout);

}  // namespace fogbank::store::table
