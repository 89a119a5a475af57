#include "store/table/detail/item_codec.h"

#include <cstdint>
#include <optional>

#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"

namespace fogbank::store::table {
namespace {

constexpr char format_version = 1;
constexpr int varint_bytes_max = 10;  // 64 bits, 7 a byte

void put_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

void put_text(std::string& out, std::string_view text) {
    put_varint(out, text.size());
    out.append(text);
}

void put_map(std::string& out, const Item& map);

/// Appends a value's content; the type byte stands before it already.
struct ContentWriter {
    std::string& out;

    void operator()(const std::string& text) const { put_text(out, text); }
    void operator()(const Decimal& number) const { out.append(number.sortable_bytes()); }
    void operator()(const Binary& binary) const { put_text(out, binary.bytes); }
    void operator()(bool boolean) const { out.push_back(boolean ? 1 : 0); }
    void operator()(Null) const {}
    void operator()(const std::unique_ptr<Item>& map) const { map ? put_map(out, *map) : put_varint(out, 0); }
    void operator()(const List& list) const {
        put_varint(out, list.size());
        for (const auto& value : list) write(value);
    }
    template <class Element>
    void operator()(const std::set<Element>& set) const {
        put_varint(out, set.size());
        for (const auto& element : set) (*this)(element);
    }
    void write(const AttributeValue& value) const {
        out.push_back(static_cast<char>(value.type()));
        std::visit(*this, value.storage());
    }
};

void put_map(std::string& out, const Item& map) {
    put_varint(out, map.size());
    for (const auto& [name, value] : map) {
        put_text(out, name);
        ContentWriter{out}.write(value);
    }
}

/// Takes parts off the front; each function returns nothing when the bytes are not such a part.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    bool at_end() const { return rest_.empty(); }

    std::optional<std::uint8_t> byte() {
        if (rest_.empty()) return std::nullopt;
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }

    std::optional<std::uint64_t> varint() {
        std::uint64_t value = 0;
        for (int i = 0; i < varint_bytes_max; ++i) {
            const auto next = byte();
            if (!next) return std::nullopt;
            value |= static_cast<std::uint64_t>(*next & 0x7F) << (7 * i);
            if (*next < 0x80) return value;
        }
        return std::nullopt;
    }

    /// A number of elements. Each takes at least one byte, so a count beyond the rest is a lie that must not reach an allocation.
    std::optional<std::size_t> count() {
        const auto value = varint();
        if (!value || *value > rest_.size()) return std::nullopt;
        return static_cast<std::size_t>(*value);
    }

    std::optional<std::string> text() {
        const auto length = count();
        if (!length) return std::nullopt;
        std::string out(rest_.substr(0, *length));
        rest_.remove_prefix(*length);
        return out;
    }

    std::optional<Decimal> number() { return Decimal::from_sortable_bytes(rest_); }

    std::optional<Item> map(int depth) {
        const auto size = count();
        if (!size || depth > nesting_levels_max) return std::nullopt;
        Item out;
        for (std::size_t i = 0; i < *size; ++i) {
            auto name = text();
            if (!name) return std::nullopt;
            auto held = value(depth);
            if (!held) return std::nullopt;
            out.emplace_hint(out.end(), std::move(*name), std::move(*held));  // stored in order
        }
        if (out.size() != *size) return std::nullopt;
        return out;
    }

  private:
    template <class T>
    static std::optional<AttributeValue> wrap(std::optional<T> content) {
        if (!content) return std::nullopt;
        return AttributeValue(std::move(*content));
    }

    std::optional<Binary> binary() {
        auto bytes = text();
        if (!bytes) return std::nullopt;
        return Binary{std::move(*bytes)};
    }

    std::optional<bool> boolean() {
        const auto value = byte();
        if (!value || *value > 1) return std::nullopt;
        return *value == 1;
    }

    std::optional<List> list(int depth) {
        const auto size = count();
        if (!size || depth > nesting_levels_max) return std::nullopt;
        List out;
        for (std::size_t i = 0; i < *size; ++i) {
            auto element = value(depth);
            if (!element) return std::nullopt;
            out.push_back(std::move(*element));
        }
        return out;
    }

    template <class Set, class Read>
    std::optional<Set> set(Read read) {
        const auto size = count();
        if (!size) return std::nullopt;
        Set out;
        for (std::size_t i = 0; i < *size; ++i) {
            auto element = read();
            if (!element) return std::nullopt;
            out.insert(out.end(), std::move(*element));
        }
        if (out.size() != *size) return std::nullopt;
        return out;
    }

    std::optional<AttributeValue> value(int depth) {
        const auto type = byte();
        if (!type) return std::nullopt;
        switch (static_cast<AttributeValue::Type>(*type)) {
            case AttributeValue::Type::string:
                return wrap(text());
            case AttributeValue::Type::number:
                return wrap(number());
            case AttributeValue::Type::binary:
                return wrap(binary());
            case AttributeValue::Type::boolean:
                return wrap(boolean());
            case AttributeValue::Type::null:
                return AttributeValue(Null());
            case AttributeValue::Type::map:
                return wrap(map(depth + 1));
            case AttributeValue::Type::list:
                return wrap(list(depth + 1));
            case AttributeValue::Type::string_set:
                return wrap(set<StringSet>([this] { return text(); }));
            case AttributeValue::Type::number_set:
                return wrap(set<NumberSet>([this] { return number(); }));
            case AttributeValue::Type::binary_set:
                return wrap(set<BinarySet>([this] { return binary(); }));
        }
        return std::nullopt;
    }

    std::string_view rest_;
};

Error corrupt(std::string_view what) {
    return {Errc::unavailable, "a stored item is corrupt: " + std::string(what)};
}

Result<std::size_t> read_header(Reader& reader) {
    const auto version = reader.byte();
    if (!version) return corrupt("it is empty");
    if (*version != static_cast<std::uint8_t>(format_version)) return corrupt("format version " + std::to_string(*version));
    const auto size = reader.varint();
    if (!size) return corrupt("its size is cut off");
    return static_cast<std::size_t>(*size);
}

}  // namespace

std::string encode_item(const Item& item, std::size_t size_bytes) {
    std::string out;
    out.reserve(size_bytes + 16 + item.size() * 4);
    out.push_back(format_version);
    put_varint(out, size_bytes);
    put_map(out, item);
    return out;
}

Result<Item> decode_item(std::string_view bytes) {
    Reader reader(bytes);
    if (auto header = read_header(reader); !header) return header.error();
    auto item = reader.map(0);
    if (!item || !reader.at_end()) return corrupt("its attributes do not decode");
    return std::move(*item);
}

Result<std::size_t> stored_item_size(std::string_view bytes) {
    Reader reader(bytes);
    return read_header(reader);
}

}  // namespace fogbank::store::table
