#include "store/table/detail/document_path.h"

#include <algorithm>

#include "store/table/detail/errors.h"
#include "store/table/detail/reserved_words.h"

namespace fogbank::store::table {
namespace {

const AttributeValue* step_into(const AttributeValue& value, const PathStep& step) {
    if (step.index) {
        const List* list = value.list();
        return list != nullptr && *step.index < list->size() ? &(*list)[*step.index] : nullptr;
    }
    const Item* map = value.map();
    if (map == nullptr) return nullptr;
    const auto found = map->find(step.name);
    return found != map->end() ? &found->second : nullptr;
}

}  // namespace

const AttributeValue* DocumentPath::find(const Item& item) const {
    const auto found = item.find(top());
    const AttributeValue* value = found != item.end() ? &found->second : nullptr;
    for (std::size_t i = 1; i < steps.size() && value != nullptr; ++i) value = step_into(*value, steps[i]);
    return value;
}

std::string DocumentPath::str() const {
    std::string out;
    for (const auto& step : steps) {
        if (!out.empty()) out += ", ";
        out += step.index ? "[" + std::to_string(*step.index) + "]" : step.name;
    }
    return "[" + out + "]";
}

bool operator==(const DocumentPath& a, const DocumentPath& b) {
    return std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(),
                      [](const PathStep& x, const PathStep& y) { return x.index == y.index && x.name == y.name; });
}

Result<void> check_reserved_words(const PathSyntax& path) {
    for (const auto& step : path) {
        if (is_reserved_word(step.name)) return validation("Attribute name is a reserved keyword; reserved keyword: " + step.name);
    }
    return {};
}

Result<DocumentPath> resolve_path(const PathSyntax& path, PlaceholderScope& scope) {
    DocumentPath out;
    out.steps = path;
    for (auto& step : out.steps) {
        if (step.index) continue;
        auto name = scope.name(step.name);
        if (!name) return name.error();
        step.name = std::move(*name);
    }
    return out;
}

}  // namespace fogbank::store::table
