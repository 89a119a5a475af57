/// A JSON payload, parsed once into a flat list of nodes that point into the text; every rule that the message feeds reads the same one.
///
/// Numbers stay text until a statement reads them, so they are exact. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/value.h"

namespace fogbank::rules::sql {

/// Nesting of payloads and of text given to decode(). Fogbank's own bound; DynamoDB stores 32 levels, shadows 8.
inline constexpr std::size_t payload_depth_max = 64;

class Payload {
  public:
    Payload() = default;
    Payload(const Payload&) = delete;
    Payload& operator=(const Payload&) = delete;

    /// Parses `json`; values read from the payload borrow from that text and from buffers of this object, until the next `parse`.
    /// @param scalars  whether a bare number, string, true, false or null counts as JSON. For messages it does not (section 11).
    /// @return false for text that is not such JSON, not UTF-8, or nested deeper than `payload_depth_max`: then the payload is not JSON.
    bool parse(std::string_view json, bool scalars = false);
    bool is_json() const { return count_ != 0; }

    /// The whole document; Undefined if it is not JSON.
    Value root(Version version) const;
    /// What `path` leads to through Objects; Undefined if there is nothing.
    /// @param looked_at  grows by the number of values that were passed on the way, `copied` by the number of values in the result.
    Value find(std::span<const std::string> path, Version version, std::size_t& looked_at, std::size_t& copied) const;
    /// Values in the document, at all levels.
    std::size_t size() const { return count_; }

  private:
    enum class Type : std::uint8_t { null, boolean, number, string, array, object };
    struct Node {
        const char* key_begin = nullptr;
        const char* text_begin = nullptr;
        std::uint32_t key_bytes = 0, text_bytes = 0;
        std::uint32_t end = 0;  ///< index after the last node below this one
        Type type = Type::null;
        bool flag = false;  ///< of a boolean: its value; of a number: that its text is how SQL would write it
        std::string_view key() const { return {key_begin, key_bytes}; }
        std::string_view text() const { return {text_begin, text_bytes}; }
    };
    class Reader;

    Value value_at(std::size_t index, Version version) const;
    Value array_at(std::size_t index, Version version) const;
    Value object_at(std::size_t index, Version version) const;

    std::vector<Node> nodes_;  ///< the first `count_` are in use
    std::size_t count_ = 0;
    std::string unescaped_;  ///< the texts of strings that have escapes
};

}  // namespace fogbank::rules::sql
