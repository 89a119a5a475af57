#include "shadow/record.h"

#include "shadow/errc.h"

namespace fogbank::shadow {
namespace {

constexpr char format = 1;
constexpr char tag_document = 'D', tag_tombstone = 'X';
constexpr std::size_t levels_max = 128;  // more than any quota allows

enum class Tag : char { false_leaf = 'f', true_leaf = 't', number = 'n', string = 's', array = 'a', object = 'o' };

void put_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

void put_text(std::string& out, std::string_view text) {
    put_varint(out, text.size());
    out += text;
}

void put_leaf(std::string& out, Tag tag, const Value& leaf) {
    out.push_back(static_cast<char>(tag));
    put_varint(out, static_cast<std::uint64_t>(leaf.timestamp_s));
}

void put_value(std::string& out, const Value& value) {
    switch (value.kind) {
        case Value::Kind::null:  // never stored
        case Value::Kind::boolean:
            return put_leaf(out, value.text == "true" ? Tag::true_leaf : Tag::false_leaf, value);
        case Value::Kind::number:
            put_leaf(out, Tag::number, value);
            return put_text(out, value.text);
        case Value::Kind::string:
            put_leaf(out, Tag::string, value);
            return put_text(out, value.text);
        case Value::Kind::array:
            out.push_back(static_cast<char>(Tag::array));
            put_varint(out, value.elements.size());
            for (const Value& element : value.elements) put_value(out, element);
            return;
        case Value::Kind::object:
            out.push_back(static_cast<char>(Tag::object));
            put_varint(out, value.members.size());
            for (const Member& member : value.members) {
                put_text(out, member.name);
                put_value(out, member.value);
            }
            return;
    }
}

class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    bool done() const { return rest_.empty(); }

    bool byte(char& out) {
        if (rest_.empty()) return false;
        out = rest_.front();
        rest_.remove_prefix(1);
        return true;
    }
    bool varint(std::uint64_t& out) {
        out = 0;
        char c = 0;
        for (int shift = 0; shift < 63; shift += 7) {
            if (!byte(c)) return false;
            out |= static_cast<std::uint64_t>(static_cast<unsigned char>(c) & 0x7F) << shift;
            if ((static_cast<unsigned char>(c) & 0x80) == 0) return true;
        }
        return false;
    }
    bool integer(std::int64_t& out) {
        std::uint64_t raw = 0;
        if (!varint(raw)) return false;
        out = static_cast<std::int64_t>(raw);
        return true;
    }
    bool text(std::string& out) {
        std::uint64_t size = 0;
        if (!varint(size) || size > rest_.size()) return false;
        out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
    }
    bool value(Value& out, std::size_t level = 0) {
        char tag = 0;
        if (level > levels_max || !byte(tag)) return false;
        switch (static_cast<Tag>(tag)) {
            case Tag::false_leaf:
            case Tag::true_leaf:
                out.kind = Value::Kind::boolean;
                out.text = tag == static_cast<char>(Tag::true_leaf) ? "true" : "false";
                return integer(out.timestamp_s);
            case Tag::number:
            case Tag::string:
                out.kind = tag == static_cast<char>(Tag::number) ? Value::Kind::number : Value::Kind::string;
                return integer(out.timestamp_s) && text(out.text);
            case Tag::array:
                return array(out, level);
            case Tag::object:
                return object(out, level);
        }
        return false;
    }

  private:
    /// A count that the bytes cannot hold is refused before anything is reserved for it.
    bool count(std::uint64_t& out) { return varint(out) && out <= rest_.size(); }
    bool array(Value& out, std::size_t level) {
        std::uint64_t size = 0;
        if (!count(size)) return false;
        out.kind = Value::Kind::array;
        out.elements.resize(size);
        for (Value& element : out.elements) {
            if (!value(element, level + 1)) return false;
        }
        return true;
    }
    bool object(Value& out, std::size_t level) {
        std::uint64_t size = 0;
        if (!count(size)) return false;
        out.kind = Value::Kind::object;
        out.members.resize(size);
        for (Member& member : out.members) {
            if (!text(member.name) || !value(member.value, level + 1)) return false;
        }
        return true;
    }

    std::string_view rest_;
};

bool read(Reader& reader, Record& out) {
    char version = 0;
    char tag = 0;
    if (!reader.byte(version) || version != format || !reader.byte(tag)) return false;
    if (tag == tag_tombstone) return reader.integer(out.tombstone.version) && reader.integer(out.tombstone.deleted_at_s) && reader.done();
    if (tag != tag_document) return false;
    Document& document = out.document.emplace();
    return reader.integer(document.version) && reader.value(document.desired) && document.desired.is_object() &&
           reader.value(document.reported) && document.reported.is_object() && reader.done();
}

}  // namespace

std::string encode_document(const Document& document) {
    std::string out{format, tag_document};
    put_varint(out, static_cast<std::uint64_t>(document.version));
    put_value(out, document.desired);
    put_value(out, document.reported);
    return out;
}

std::string encode_tombstone(const Tombstone& tombstone) {
    std::string out{format, tag_tombstone};
    put_varint(out, static_cast<std::uint64_t>(tombstone.version));
    put_varint(out, static_cast<std::uint64_t>(tombstone.deleted_at_s));
    return out;
}

Result<Record> decode_record(std::string_view bytes) {
    Reader reader(bytes);
    Record out;
    if (!read(reader, out)) return Error(Errc::internal_failure, "a stored shadow cannot be read");
    return out;
}

}  // namespace fogbank::shadow
