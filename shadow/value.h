/// JSON values as shadows hold them: numbers stay the text that was sent, members keep their order, every leaf knows when it was set.
///
/// A section (`desired`, `reported`) is one tree of values; its metadata is the same tree read for the time stamps. Plain data: copied,
/// compared, no thread rules. Depth and size are bounded by who makes them (parse_value, the record's decoder), so recursion over them is
/// too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace fogbank::shadow {

struct Member;

struct Value {
    enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

    Kind kind = Kind::null;
    std::int64_t timestamp_s = 0;  ///< of a leaf: when it was last set, whole seconds since 1970
    std::string text;              ///< `true`/`false`, a number as sent, a string decoded to UTF-8
    std::vector<Value> elements;   ///< of an array
    std::vector<Member> members;   ///< of an object, no two of one name, in the order they came

    bool is_object() const { return kind == Kind::object; }
    bool is_null() const { return kind == Kind::null; }
    /// The member of that name, or null. Linear.
    Value* find(std::string_view name);
    const Value* find(std::string_view name) const;
    static Value object();
};

struct Member {
    std::string name;
    Value value;
};

/// Bounds for parse_value. `levels_max` counts arrays and objects inside one another, the outermost included.
struct ValueLimits {
    std::size_t bytes_max = 128 * 1024;
    std::size_t levels_max = 64;
};

/// Parses one JSON value (RFC 8259; of members with one name the last counts), nothing but white space may follow it. Never throws.
/// Errors: unsupported_encoding when not UTF-8, document_too_large, invalid_request with `Invalid JSON` or the text for too many levels.
Result<Value> parse_value(std::string_view json, const ValueLimits& limits);

/// Equal as JSON: order of members and time stamps do not count, numbers are compared by their value (1, 1.0 and 1e0 are equal).
bool equal(const Value& a, const Value& b);

/// Sets the time of every leaf.
void stamp(Value& value, std::int64_t timestamp_s);

/// Whether a null stands in an array somewhere, which AWS refuses.
bool has_null_in_array(const Value& value);

/// Levels of arrays and objects: 0 for a leaf, 1 for `{}`.
std::size_t levels(const Value& value);

// Text. All append to `out`.

/// Without white space.
void append_json(std::string& out, const Value& value);
/// The same tree with `{"timestamp":…}` in place of each leaf.
void append_metadata_json(std::string& out, const Value& value);
void append_json_string(std::string& out, std::string_view text);
std::string to_json(const Value& value);
/// How long to_json is.
std::size_t json_bytes(const Value& value);

/// Fast look-up by name in a large object; built for one pass over it.
class MemberIndex {
  public:
    explicit MemberIndex(const std::vector<Member>& members);
    /// Position in the vector, or npos.
    std::size_t find(std::string_view name) const;
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  private:
    static constexpr std::size_t linear_max = 16;  ///< below, searching is faster than an index
    const std::vector<Member>& members_;
    std::vector<std::uint32_t> sorted_;  ///< positions by name; empty if searched linearly
};

}  // namespace fogbank::shadow
