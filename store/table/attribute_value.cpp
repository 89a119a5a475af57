#include "store/table/attribute_value.h"

#include <array>
#include <type_traits>

namespace fogbank::store::table {
namespace {

constexpr std::size_t container_overhead_bytes = 3;  // a list or map, empty or not
constexpr std::size_t element_overhead_bytes = 1;    // each element of one

AttributeValue::Storage copy_of(const AttributeValue::Storage& from) {
    return std::visit(
        [](const auto& value) -> AttributeValue::Storage {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::unique_ptr<Item>>) {
                return value ? std::make_unique<Item>(*value) : nullptr;
            } else {
                return value;
            }
        },
        from);
}

std::size_t number_size_bytes(const Decimal& number) {
    const auto digits = static_cast<std::size_t>(number.significant_digits());
    return (digits + 1) / 2 + 1 + (number.is_negative() ? 1U : 0U);
}

std::size_t value_size_bytes(const AttributeValue& value);

struct SizeOf {
    std::size_t operator()(const std::string& text) const { return text.size(); }
    std::size_t operator()(const Decimal& number) const { return number_size_bytes(number); }
    std::size_t operator()(const Binary& binary) const { return binary.bytes.size(); }
    std::size_t operator()(bool) const { return 1; }
    std::size_t operator()(Null) const { return 1; }
    std::size_t operator()(const std::unique_ptr<Item>& map) const {
        std::size_t bytes = container_overhead_bytes;
        if (map) {
            for (const auto& [name, value] : *map) bytes += name.size() + value_size_bytes(value) + element_overhead_bytes;
        }
        return bytes;
    }
    std::size_t operator()(const List& list) const {
        std::size_t bytes = container_overhead_bytes;
        for (const auto& value : list) bytes += value_size_bytes(value) + element_overhead_bytes;
        return bytes;
    }
    template <class Element>
    std::size_t operator()(const std::set<Element>& set) const {
        std::size_t bytes = 0;
        for (const auto& element : set) bytes += (*this)(element);
        return bytes;
    }
};

std::size_t value_size_bytes(const AttributeValue& value) {
    return std::visit(SizeOf(), value.storage());
}

}  // namespace

AttributeValue::AttributeValue(const AttributeValue& other) : value_(copy_of(other.value_)) {}

AttributeValue& AttributeValue::operator=(const AttributeValue& other) {
    if (this != &other) value_ = copy_of(other.value_);
    return *this;
}

std::string_view AttributeValue::type_name() const {
    static constexpr std::array<std::string_view, 10> names{"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"};
    return names[value_.index()];
}

const Item* AttributeValue::map() const {
    const auto* held = std::get_if<std::unique_ptr<Item>>(&value_);
    return held != nullptr ? held->get() : nullptr;
}

Item* AttributeValue::map() {
    auto* held = std::get_if<std::unique_ptr<Item>>(&value_);
    return held != nullptr ? held->get() : nullptr;
}

bool operator==(const AttributeValue& a, const AttributeValue& b) {
    if (a.type() != b.type()) return false;
    if (a.type() != AttributeValue::Type::map) return a.value_ == b.value_;
    const Item* left = a.map();
    const Item* right = b.map();
    if (left == nullptr || right == nullptr) return left == right;  // moved-from maps hold nothing
    return *left == *right;
}

std::size_t item_size_bytes(const Item& item) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : item) bytes += name.size() + value_size_bytes(value);
    return bytes;
}

}  // namespace fogbank::store::table
