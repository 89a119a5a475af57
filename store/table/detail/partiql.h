/// PartiQL for DynamoDB: text to statements. Source: Developer Guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/table/detail/condition.h"
#include "store/table/detail/page_plan.h"
#include "store/table/detail/update.h"

namespace fogbank::store::table {

inline constexpr std::size_t statement_bytes_max = 8192;

/// A statement with its parameters put in. Names and literals are resolved while parsing; what needs the table comes later.
struct PartiQlStatement {
    StatementTarget::Kind kind = StatementTarget::Kind::select;
    TableName table;
    std::string index;                ///< of SELECT; empty: the table
    std::vector<DocumentPath> paths;  ///< of SELECT; none: `*`
    std::optional<Condition> where;
    std::optional<bool> descending;  ///< ORDER BY
    Item item;                       ///< of INSERT
    std::vector<UpdateAction> actions;
    ReturnValues returning = ReturnValues::none;
    bool is_exists = false;  ///< EXISTS(SELECT …), a check in a transaction
};

/// @param parameters  null: any number of `?` is taken, for looking at the statement only.
/// Errors: validation with a position; bounded by statement_bytes_max and expression_depth_max.
Result<PartiQlStatement> parse_partiql(std::string_view text, const std::vector<AttributeValue>* parameters);

/// WHERE taken apart: equality on key attributes, and the rest.
struct WhereParts {
    std::vector<AttributeCondition> keys;  ///< conditions on attributes of the layout that a query can use
    Condition rest;
    bool has_rest = false;
};
/// Takes the usable conditions on key attributes out of the conjunction.
WhereParts split_where(const std::optional<Condition>& where, const IndexKeys& layout);

/// The values that WHERE leaves to a top-level attribute: by equality or IN, in one part of an AND or in every part of an OR. Nothing: any.
std::optional<std::vector<AttributeValue>> values_left_by(const std::optional<Condition>& where, std::string_view attribute);
/// The top-level attributes that the statement names, each once.
std::vector<std::string> attributes_of(const PartiQlStatement& statement);

/// The primary key that WHERE names. Errors: validation, it does not name all of it.
Result<Item> key_of_where(const WhereParts& parts, const KeySchema& schema);

}  // namespace fogbank::store::table
