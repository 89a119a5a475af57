/// ProjectionExpression: which parts of an item an answer holds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/table/detail/document_path.h"

namespace fogbank::store::table {

/// The paths as one tree, so that an item is walked once. An empty projection is the whole item.
class Projection {
  public:
    /// Error: two paths overlap or conflict.
    static Result<Projection> from_paths(std::vector<DocumentPath> paths);

    bool is_everything() const { return root_.names.empty(); }
    /// The attributes that it takes something of.
    std::vector<std::string> top_names() const;
    /// The projected part; list elements close up, what is not there is left out.
    Item apply(Item item) const;

  private:
    struct Node {
        std::map<std::string, Node, std::less<>> names;
        std::map<std::uint32_t, Node> indexes;
        bool is_leaf() const { return names.empty() && indexes.empty(); }
    };
    static std::optional<AttributeValue> part_of(const AttributeValue& value, const Node& node);
    static Item part_of(const Item& map, const Node& node);

    Node root_;
};

/// Errors: validation, with `Invalid ProjectionExpression: ` before it.
Result<Projection> compile_projection(const Expression& expression, PlaceholderScope& scope);

}  // namespace fogbank::store::table
