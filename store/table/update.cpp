// Applying updates to items. Resolving is in update_resolver.cpp.
#include "store/table/detail/update.h"

#include <algorithm>

#include "store/table/detail/errors.h"
#include "store/table/detail/number.h"

namespace fogbank::store::table {
namespace {

Error wrong_operand() {
    return validation("An operand in the update expression has an incorrect data type");
}
Error absent_operand() {
    return validation("The provided expression refers to an attribute that does not exist in the item");
}
Error invalid_path() {
    return validation("The document path provided in the update expression is invalid for update");
}

Result<AttributeValue> evaluate(const UpdateOperand& operand, const Item& item) {
    switch (operand.kind) {
        case UpdateOperand::Kind::value:
            return operand.value;
        case UpdateOperand::Kind::path: {
            const AttributeValue* found = operand.path.find(item);
            if (found == nullptr) return absent_operand();
            return *found;
        }
        case UpdateOperand::Kind::if_not_exists:
            if (const AttributeValue* found = operand.path.find(item)) return *found;
            return evaluate(operand.inner[0], item);
        case UpdateOperand::Kind::list_append:
            break;
    }
    auto front = evaluate(operand.inner[0], item);
    if (!front) return front;
    auto back = evaluate(operand.inner[1], item);
    if (!back) return back;
    if (front->list() == nullptr || back->list() == nullptr) return wrong_operand();
    List joined = *front->list();
    joined.insert(joined.end(), back->list()->begin(), back->list()->end());
    return AttributeValue(std::move(joined));
}

Result<Decimal> calculate(const Decimal& a, char sign, const Decimal& b) {
    auto result = sign == '+' ? Decimal::add(a, b, Decimal::digits_max) : Decimal::subtract(a, b, Decimal::digits_max);
    if (!result) return validation("Number overflow. Attempting to store a number with magnitude larger than supported range");
    if (auto checked = check_number(*result); !checked) return checked.error();
    return *result;
}

Result<AttributeValue> value_to_set(const UpdateAction& action, const Item& item) {
    auto left = evaluate(action.left, item);
    if (!left || action.arithmetic == 0) return left;
    auto right = evaluate(action.right, item);
    if (!right) return right;
    if (left->number() == nullptr || right->number() == nullptr) return wrong_operand();
    auto number = calculate(*left->number(), action.arithmetic, *right->number());
    if (!number) return number.error();
    return AttributeValue(*number);
}

/// The map or list that holds the path's last step, or null.
AttributeValue* find_parent(Item& item, const DocumentPath& path) {
    const auto top = item.find(path.top());
    AttributeValue* value = top == item.end() ? nullptr : &top->second;
    for (std::size_t i = 1; i + 1 < path.steps.size() && value != nullptr; ++i) {
        const PathStep& step = path.steps[i];
        if (step.index) {
            List* list = value->list();
            value = list != nullptr && *step.index < list->size() ? &(*list)[*step.index] : nullptr;
        } else {
            Item* map = value->map();
            const auto found = map == nullptr ? Item::iterator() : map->find(step.name);
            value = map != nullptr && found != map->end() ? &found->second : nullptr;
        }
    }
    return value;
}

Result<void> set_at(Item& item, const DocumentPath& path, AttributeValue value) {
    if (!path.is_nested()) {
        item.insert_or_assign(path.top(), std::move(value));
        return {};
    }
    AttributeValue* parent = find_parent(item, path);
    const PathStep& last = path.steps.back();
    if (parent == nullptr) return invalid_path();
    if (last.index) {
        List* list = parent->list();
        if (list == nullptr) return invalid_path();
        if (*last.index < list->size()) {
            (*list)[*last.index] = std::move(value);
        } else {
            list->push_back(std::move(value));
        }
        return {};
    }
    Item* map = parent->map();
    if (map == nullptr) return invalid_path();
    map->insert_or_assign(last.name, std::move(value));
    return {};
}

Result<void> remove_at(Item& item, const DocumentPath& path) {
    if (!path.is_nested()) {
        item.erase(path.top());
        return {};
    }
    AttributeValue* parent = find_parent(item, path);
    const PathStep& last = path.steps.back();
    if (parent == nullptr) return invalid_path();
    if (last.index) {
        List* list = parent->list();
        if (list == nullptr) return invalid_path();
        if (*last.index < list->size()) list->erase(list->begin() + static_cast<std::ptrdiff_t>(*last.index));
        return {};
    }
    Item* map = parent->map();
    if (map == nullptr) return invalid_path();
    map->erase(last.name);
    return {};
}

template <class Set>
AttributeValue united(const Set& a, const Set& b) {
    Set out = a;
    out.insert(b.begin(), b.end());
    return AttributeValue(std::move(out));
}
/// Nothing: no member is left, which no set may be.
template <class Set>
std::optional<AttributeValue> without(const Set& a, const Set& b) {
    Set out = a;
    for (const auto& one : b) out.erase(one);
    if (out.empty()) return std::nullopt;
    return AttributeValue(std::move(out));
}

template <class Set>
const Set* set_in(const AttributeValue& value) {
    return std::get_if<Set>(&value.storage());
}

struct Adder {
    const AttributeValue& old;
    bool is_legacy;

    Error mismatch() const { return is_legacy ? validation("Type mismatch for attribute to update") : wrong_operand(); }
    Result<AttributeValue> operator()(const Decimal& number) const {
        if (old.number() == nullptr) return mismatch();
        auto sum = calculate(*old.number(), '+', number);
        if (!sum) return sum.error();
        return AttributeValue(*sum);
    }
    template <class Element>
    Result<AttributeValue> operator()(const std::set<Element>& set) const {
        const auto* held = set_in<std::set<Element>>(old);
        return held != nullptr ? Result<AttributeValue>(united(*held, set)) : mismatch();
    }
    Result<AttributeValue> operator()(const List& list) const {  // AttributeUpdates only
        if (old.list() == nullptr) return mismatch();
        List joined = *old.list();
        joined.insert(joined.end(), list.begin(), list.end());
        return AttributeValue(std::move(joined));
    }
    template <class Other>
    Result<AttributeValue> operator()(const Other&) const {
        return mismatch();
    }
};

Result<void> add_at(Item& item, const UpdateAction& action, bool is_legacy) {
    const AttributeValue* old = action.path.find(item);
    if (old == nullptr) return set_at(item, action.path, action.value);
    auto sum = std::visit(Adder{*old, is_legacy}, action.value.storage());
    if (!sum) return sum.error();
    return set_at(item, action.path, std::move(*sum));
}

struct Remover {
    const AttributeValue& old;
    bool is_legacy;
    using Left = Result<std::optional<AttributeValue>>;

    template <class Element>
    Left operator()(const std::set<Element>& set) const {
        const auto* held = set_in<std::set<Element>>(old);
        if (held == nullptr) return is_legacy ? validation("Type mismatch for attribute to update") : wrong_operand();
        return without(*held, set);
    }
    template <class Other>
    Left operator()(const Other&) const {
        return wrong_operand();
    }
};

Result<void> subtract_at(Item& item, const UpdateAction& action, bool is_legacy) {
    const AttributeValue* old = action.path.find(item);
    if (old == nullptr) return {};
    auto left = std::visit(Remover{*old, is_legacy}, action.value.storage());
    if (!left) return left.error();
    return *left ? set_at(item, action.path, std::move(**left)) : remove_at(item, action.path);
}

/// Orders paths so that list elements with greater indexes come first: removing one then moves none that is still to be removed.
bool is_behind(const UpdateAction* a, const UpdateAction* b) {
    const auto& left = a->path.steps;
    const auto& right = b->path.steps;
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
        if (left[i].index && right[i].index && *left[i].index != *right[i].index) return *left[i].index > *right[i].index;
        if (left[i].name != right[i].name) return left[i].name > right[i].name;
    }
    return false;
}

/// The actions of one kind, those on lists in the order of their indexes, lowest (or highest) first.
std::vector<const UpdateAction*> actions_of(const std::vector<UpdateAction>& actions, UpdateAction::Kind kind, bool highest_first) {
    std::vector<const UpdateAction*> out;
    for (const auto& action : actions) {
        if (action.kind == kind) out.push_back(&action);
    }
    std::stable_sort(out.begin(), out.end(),
                     [&](const UpdateAction* a, const UpdateAction* b) { return highest_first ? is_behind(a, b) : is_behind(b, a); });
    return out;
}

bool has_nested_operand(const UpdateOperand& operand) {
    if (operand.kind != UpdateOperand::Kind::value) return true;
    return std::any_of(operand.inner.begin(), operand.inner.end(), has_nested_operand);
}

}  // namespace

Result<Update> Update::from_actions(std::vector<UpdateAction> actions, bool is_legacy) {
    std::vector<DocumentPath> paths;
    for (const auto& action : actions) paths.push_back(action.path);
    auto updated = Projection::from_paths(std::move(paths));
    if (!updated) return updated.error();
    Update out;
    out.actions_ = std::move(actions);
    out.updated_ = std::move(*updated);
    out.is_legacy_ = is_legacy;
    return out;
}

Result<Item> Update::apply(const Item& old) const {
    using Kind = UpdateAction::Kind;
    std::vector<std::pair<const UpdateAction*, AttributeValue>> values;
    for (const UpdateAction* action : actions_of(actions_, Kind::set, false)) {
        auto value = value_to_set(*action, old);
        if (!value) return value.error();
        values.emplace_back(action, std::move(*value));
    }
    Item item = old;
    for (auto& [action, value] : values) {
        if (auto set = set_at(item, action->path, std::move(value)); !set) return set.error();
    }
    for (const auto& action : actions_) {
        Result<void> done;
        if (action.kind == Kind::add) done = add_at(item, action, is_legacy_);
        if (action.kind == Kind::subtract_set) done = subtract_at(item, action, is_legacy_);
        if (!done) return done.error();
    }
    // Last: what it removes from a list must not move what the others have addressed.
    for (const UpdateAction* action : actions_of(actions_, Kind::remove, true)) {
        if (auto removed = remove_at(item, action->path); !removed) return removed.error();
    }
    return item;
}

bool Update::creates_item() const {
    using Kind = UpdateAction::Kind;
    return actions_.empty() || std::any_of(actions_.begin(), actions_.end(),
                                           [](const UpdateAction& one) { return one.kind == Kind::set || one.kind == Kind::add; });
}

bool Update::nests() const {
    return std::any_of(actions_.begin(), actions_.end(), [](const UpdateAction& one) {
        return one.path.is_nested() || has_nested_operand(one.left) || has_nested_operand(one.right);
    });
}

Result<void> check_update_keys(const Update& update, const KeySchema& schema) {
    for (const auto& action : update.actions()) {
        const std::string& name = action.path.top();
        if (name == schema.partition_key.name || (schema.sort_key && name == schema.sort_key->name)) {
            return invalid_parameter("Cannot update attribute " + name + ". This attribute is part of the key");
        }
    }
    return {};
}

}  // namespace fogbank::store::table
