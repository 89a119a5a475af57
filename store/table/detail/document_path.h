/// A path into an item with its names resolved: `a.b[1]`.
#pragma once

#include <string>
#include <vector>

#include "store/table/attribute_value.h"
#include "store/table/detail/expression_ast.h"
#include "store/table/detail/placeholders.h"

namespace fogbank::store::table {

struct DocumentPath {
    std::vector<PathStep> steps;  ///< at least one; the first is a name

    const std::string& top() const { return steps.front().name; }
    bool is_nested() const { return steps.size() > 1; }
    /// The value there, or null. Valid as long as the item.
    const AttributeValue* find(const Item& item) const;
    /// As DynamoDB prints paths: `[a, b, [1]]`.
    std::string str() const;
    friend bool operator==(const DocumentPath& a, const DocumentPath& b);
};

/// Error: `Attribute name is a reserved keyword; reserved keyword: …`.
Result<void> check_reserved_words(const PathSyntax& path);

/// Errors: a placeholder is not defined.
Result<DocumentPath> resolve_path(const PathSyntax& path, PlaceholderScope& scope);

}  // namespace fogbank::store::table
