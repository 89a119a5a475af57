/// DynamoDB's typed values. Source: DynamoDB API reference, AttributeValue; Developer Guide, "Supported data types".
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/decimal.h"

namespace fogbank::store::table {

class AttributeValue;
/// Attribute name to value, in byte order of the names.
using Item = std::map<std::string, AttributeValue, std::less<>>;

struct Binary {
    std::string bytes;
    friend auto operator<=>(const Binary&, const Binary&) = default;
};
struct Null {
    friend bool operator==(Null, Null) { return true; }
};
using StringSet = std::set<std::string>;
using NumberSet = std::set<Decimal>;
using BinarySet = std::set<Binary>;
using List = std::vector<AttributeValue>;

/// One value: S, N, B, BOOL, NULL, M, L, SS, NS or BS. Equality is DynamoDB's: numbers by value, sets regardless of order.
class AttributeValue {
  public:
    using Storage = std::variant<std::string, Decimal, Binary, bool, Null, std::unique_ptr<Item>, List, StringSet, NumberSet, BinarySet>;
    /// Same order as Storage's alternatives; the stored encoding uses these numbers.
    enum class Type : unsigned char { string, number, binary, boolean, null, map, list, string_set, number_set, binary_set };

    AttributeValue() : value_(Null()) {}
    explicit AttributeValue(std::string text) : value_(std::move(text)) {}
    explicit AttributeValue(std::string_view text) : value_(std::string(text)) {}
    explicit AttributeValue(const char* text) : value_(std::string(text)) {}
    explicit AttributeValue(Decimal number) : value_(number) {}
    explicit AttributeValue(Binary binary) : value_(std::move(binary)) {}
    explicit AttributeValue(bool boolean) : value_(boolean) {}
    explicit AttributeValue(Null null) : value_(null) {}
    explicit AttributeValue(Item map) : value_(std::make_unique<Item>(std::move(map))) {}
    explicit AttributeValue(List list) : value_(std::move(list)) {}
    explicit AttributeValue(StringSet set) : value_(std::move(set)) {}
    explicit AttributeValue(NumberSet set) : value_(std::move(set)) {}
    explicit AttributeValue(BinarySet set) : value_(std::move(set)) {}

    AttributeValue(const AttributeValue& other);
    AttributeValue& operator=(const AttributeValue& other);
    AttributeValue(AttributeValue&&) noexcept = default;
    AttributeValue& operator=(AttributeValue&&) noexcept = default;
    ~AttributeValue() = default;

    Type type() const { return static_cast<Type>(value_.index()); }
    /// `S`, `N`, `B`, `BOOL`, `NULL`, `M`, `L`, `SS`, `NS`, `BS`.
    std::string_view type_name() const;

    const std::string* string() const { return std::get_if<std::string>(&value_); }
    const Decimal* number() const { return std::get_if<Decimal>(&value_); }
    const Binary* binary() const { return std::get_if<Binary>(&value_); }
    const bool* boolean() const { return std::get_if<bool>(&value_); }
    const Item* map() const;
    Item* map();
    const List* list() const { return std::get_if<List>(&value_); }
    List* list() { return std::get_if<List>(&value_); }
    const Storage& storage() const { return value_; }

    friend bool operator==(const AttributeValue& a, const AttributeValue& b);

  private:
    Storage value_;
};

/// DynamoDB's item size: names and values in UTF-8 bytes plus its overheads (Developer Guide, "Item sizes and formats").
std::size_t item_size_bytes(const Item& item);

}  // namespace fogbank::store::table
