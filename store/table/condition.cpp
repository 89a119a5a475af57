// Evaluation of conditions. Resolving is in condition_resolver.cpp.
#include "store/table/detail/condition.h"

#include <algorithm>
#include <compare>

namespace fogbank::store::table {
namespace {

/// UTF-16 code units, the length that DynamoDB's own runtime gives a string (its documentation only says "length").
std::int64_t string_length(std::string_view utf8) {
    std::int64_t units = 0;
    for (const char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
    }
    return units;
}

struct SizeOf {
    using Size = std::optional<std::int64_t>;
    template <class Container>
    static Size count(const Container& container) {
        return static_cast<std::int64_t>(container.size());
    }
    Size operator()(const std::string& text) const { return string_length(text); }
    Size operator()(const Binary& binary) const { return count(binary.bytes); }
    Size operator()(const std::unique_ptr<Item>& map) const { return map ? count(*map) : 0; }
    Size operator()(const List& list) const { return count(list); }
    template <class Element>
    Size operator()(const std::set<Element>& set) const {
        return count(set);
    }
    Size operator()(const Decimal&) const { return std::nullopt; }
    Size operator()(bool) const { return std::nullopt; }
    Size operator()(Null) const { return std::nullopt; }
};

bool compares(Comparator comparator, const AttributeValue* a, const AttributeValue* b) {
    if (comparator == Comparator::equal) return a != nullptr && b != nullptr && *a == *b;
    if (comparator == Comparator::not_equal) return a == nullptr || b == nullptr || !(*a == *b);
    if (a == nullptr || b == nullptr) return false;
    const auto order = compare_values(*a, *b);
    if (!order) return false;
    switch (comparator) {
        case Comparator::less:
            return *order < 0;
        case Comparator::less_or_equal:
            return *order <= 0;
        case Comparator::greater:
            return *order > 0;
        default:
            return *order >= 0;
    }
}

template <class Set, class Element>
bool has_member(const AttributeValue::Storage& set, const Element* element) {
    const auto* held = std::get_if<Set>(&set);
    return held != nullptr && element != nullptr && held->contains(*element);
}

bool contains(const AttributeValue& whole, const AttributeValue& part) {
    if (const auto* text = whole.string()) return part.string() != nullptr && text->find(*part.string()) != std::string::npos;
    if (const auto* binary = whole.binary())
        return part.binary() != nullptr && binary->bytes.find(part.binary()->bytes) != std::string::npos;
    if (const auto* list = whole.list()) return std::find(list->begin(), list->end(), part) != list->end();
    const auto& storage = whole.storage();
    return has_member<StringSet>(storage, part.string()) || has_member<NumberSet>(storage, part.number()) ||
           has_member<BinarySet>(storage, part.binary());
}

bool calls(ConditionFunction function, const std::vector<Operand>& operands, const Item& item) {
    AttributeValue first_scratch, second_scratch;
    const AttributeValue* first = operands[0].evaluate(item, first_scratch);
    if (function == ConditionFunction::attribute_exists) return first != nullptr;
    if (function == ConditionFunction::attribute_not_exists) return first == nullptr;
    const AttributeValue* second = operands[1].evaluate(item, second_scratch);
    if (first == nullptr || second == nullptr) return false;
    switch (function) {
        case ConditionFunction::attribute_type:
            return second->string() != nullptr && first->type_name() == *second->string();
        case ConditionFunction::begins_with:
            return begins_with(*first, *second);
        default:
            return contains(*first, *second);
    }
}

bool is_between(const std::vector<Operand>& operands, const Item& item) {
    AttributeValue value_scratch, bound_scratch;
    const AttributeValue* value = operands[0].evaluate(item, value_scratch);
    return compares(Comparator::greater_or_equal, value, operands[1].evaluate(item, bound_scratch)) &&
           compares(Comparator::less_or_equal, value, operands[2].evaluate(item, bound_scratch));
}

bool is_in(const std::vector<Operand>& operands, const Item& item) {
    AttributeValue value_scratch, member_scratch;
    const AttributeValue* value = operands[0].evaluate(item, value_scratch);
    return std::any_of(operands.begin() + 1, operands.end(),
                       [&](const Operand& member) { return compares(Comparator::equal, value, member.evaluate(item, member_scratch)); });
}

}  // namespace

const AttributeValue* Operand::evaluate(const Item& item, AttributeValue& scratch) const {
    const AttributeValue* found = is_path() ? path.find(item) : &value;
    if (!is_size || found == nullptr) return found;
    const auto size = std::visit(SizeOf(), found->storage());
    if (!size) return nullptr;
    scratch = AttributeValue(Decimal(*size));
    return &scratch;
}

bool Condition::matches(const Item& item) const {
    const auto child_matches = [&](const Condition& child) { return child.matches(item); };
    switch (kind) {
        case ConditionSyntax::Kind::all_of:
            return std::all_of(children.begin(), children.end(), child_matches);
        case ConditionSyntax::Kind::any_of:
            return std::any_of(children.begin(), children.end(), child_matches);
        case ConditionSyntax::Kind::negation:
            return !children.front().matches(item);
        case ConditionSyntax::Kind::between:
            return is_between(operands, item);
        case ConditionSyntax::Kind::in:
            return is_in(operands, item);
        case ConditionSyntax::Kind::function:
            return calls(function, operands, item);
        case ConditionSyntax::Kind::comparison:
            break;
    }
    AttributeValue left_scratch, right_scratch;
    return compares(comparator, operands[0].evaluate(item, left_scratch), operands[1].evaluate(item, right_scratch));
}

std::optional<std::strong_ordering> compare_values(const AttributeValue& a, const AttributeValue& b) {
    if (a.string() != nullptr && b.string() != nullptr) return *a.string() <=> *b.string();
    if (a.number() != nullptr && b.number() != nullptr) return *a.number() <=> *b.number();
    if (a.binary() != nullptr && b.binary() != nullptr) return a.binary()->bytes <=> b.binary()->bytes;
    return std::nullopt;
}

bool begins_with(const AttributeValue& value, const AttributeValue& beginning) {
    if (value.string() != nullptr && beginning.string() != nullptr) return value.string()->starts_with(*beginning.string());
    if (value.binary() != nullptr && beginning.binary() != nullptr) return value.binary()->bytes.starts_with(beginning.binary()->bytes);
    return false;
}

}  // namespace fogbank::store::table
