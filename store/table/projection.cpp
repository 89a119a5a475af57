#include "store/table/detail/projection.h"

#include "store/table/detail/condition.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/expression_parser.h"

namespace fogbank::store::table {
namespace {

enum class Relation : unsigned char { separate, overlapping, conflicting };

/// Overlap: one begins with the other. Conflict: they part at a step that is a name in one and an index in the other.
Relation relation_of(const DocumentPath& a, const DocumentPath& b) {
    const std::size_t shared = std::min(a.steps.size(), b.steps.size());
    for (std::size_t i = 0; i < shared; ++i) {
        const PathStep& left = a.steps[i];
        const PathStep& right = b.steps[i];
        if (left.index.has_value() != right.index.has_value()) return Relation::conflicting;
        if (left.index != right.index || left.name != right.name) return Relation::separate;
    }
    return Relation::overlapping;
}

Result<void> check_pair(const DocumentPath& a, const DocumentPath& b) {
    const Relation relation = relation_of(a, b);
    if (relation == Relation::separate) return {};
    return validation(std::string("Two document paths ") + (relation == Relation::overlapping ? "overlap" : "conflict") +
                      " with each other; must remove or rewrite one of these paths; path one: " + a.str() + ", path two: " + b.str());
}

Result<void> check_paths(const std::vector<DocumentPath>& paths) {
    for (std::size_t second = 1; second < paths.size(); ++second) {
        for (std::size_t first = 0; first < second; ++first) {
            if (auto checked = check_pair(paths[first], paths[second]); !checked) return checked;
        }
    }
    return {};
}

Result<std::vector<DocumentPath>> resolve_paths(const Expression& expression, PlaceholderScope& scope) {
    auto syntax = parse_projection(expression.text);
    if (!syntax) return syntax.error();
    for (const auto& path : *syntax) {
        if (auto checked = check_reserved_words(path); !checked) return checked.error();
    }
    std::vector<DocumentPath> paths;
    for (const auto& path : *syntax) {
        auto resolved = resolve_path(path, scope);
        if (!resolved) return resolved.error();
        paths.push_back(std::move(*resolved));
    }
    return paths;
}

}  // namespace

Result<Projection> Projection::from_paths(std::vector<DocumentPath> paths) {
    if (auto checked = check_paths(paths); !checked) return checked.error();
    Projection out;
    for (auto& path : paths) {
        Node* node = &out.root_;
        for (auto& step : path.steps) node = step.index ? &node->indexes[*step.index] : &node->names[std::move(step.name)];
    }
    return out;
}

std::optional<AttributeValue> Projection::part_of(const AttributeValue& value, const Node& node) {
    if (node.is_leaf()) return value;
    if (const Item* map = value.map(); map != nullptr && !node.names.empty()) {
        Item part = part_of(*map, node);
        if (part.empty()) return std::nullopt;
        return AttributeValue(std::move(part));
    }
    const List* list = value.list();
    if (list == nullptr) return std::nullopt;
    List part;
    for (const auto& [index, child] : node.indexes) {
        if (index >= list->size()) break;
        if (auto element = part_of((*list)[index], child)) part.push_back(std::move(*element));
    }
    if (part.empty()) return std::nullopt;
    return AttributeValue(std::move(part));
}

Item Projection::part_of(const Item& map, const Node& node) {
    Item part;
    for (const auto& [name, child] : node.names) {
        const auto found = map.find(name);
        if (found == map.end()) continue;
        if (auto value = part_of(found->second, child)) part.emplace_hint(part.end(), name, std::move(*value));
    }
    return part;
}

std::vector<std::string> Projection::top_names() const {
    std::vector<std::string> out;
    for (const auto& [name, node] : root_.names) out.push_back(name);
    return out;
}

Item Projection::apply(Item item) const {
    return is_everything() ? std::move(item) : part_of(item, root_);
}

Result<Projection> compile_projection(const Expression& expression, PlaceholderScope& scope) {
    if (!is_given(expression)) return Projection();
    auto paths = resolve_paths(expression, scope);
    if (!paths) return invalid_expression("ProjectionExpression", paths.error());
    auto projection = Projection::from_paths(std::move(*paths));
    if (!projection) return invalid_expression("ProjectionExpression", projection.error());
    return projection;
}

}  // namespace fogbank::store::table
