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
    Payload();
    ~Payload();
    Payload(const Payload&) = delete;
    Payload& operator=(const Payload&) = delete;

    /// Parses `json`; values read from the payload borrow from that text and from buffers of this object, until the next `parse`.
    /// @param scalars  whether a bare number, string, true, false or null counts as JSON. For messages it does not (section 11).
    /// @return false for text that is not such JSON, not UTF-8, or nested deeper than `payload_depth_max`: then the payload is not JSON.
    bool parse(std::string_view json, bool scalars = false);
    bool is_json() const { return count_ != 0; }

    /// The whole document; Undefined if it is not JSON.
    Value root(Version version) const;

    static constexpr std::uint32_t no_node = 0xFFFFFFFF;
    /// The node that `path` leads to through Objects; `no_node` if there is nothing.
    /// @param looked_at  grows by the number of values that were passed on the way
    std::uint32_t locate(std::span<const std::string> path, std::size_t& looked_at) const;
    /// Values at `node` and below.
    std::size_t size(std::uint32_t node) const { return behind(node) - node; }
    Value value(std::size_t index, Version version) const;
    /// The JSON text of `value(node)` if it stands so in the payload; empty if it has to be made from the value.
    std::string_view json(std::uint32_t node) const;
    /// Values in the document, at all levels.
    std::size_t size() const { return count_; }

  private:
    enum class Type : std::uint8_t { null, boolean, number, string, array, object };  ///< the last two have nodes below them
    struct Node {
        const char* key_begin;  ///< of a member
        union {
            const char* text_begin;  ///< of a number or string
            std::uint32_t end;       ///< of an array or object: index after the last node below this one
        };
        union {
            std::uint32_t text_bytes;
            std::uint32_t members;
        };
        std::uint32_t key_bytes;
        std::uint32_t parent;  ///< index of the array or object that this is in
        Type type;
        bool flag;  ///< of a boolean: its value; of a number: that its text is how SQL would write it
        std::string_view key() const { return {key_begin, key_bytes}; }
        std::string_view text() const { return {text_begin, text_bytes}; }
    };
    class Reader;
    class Structure;

    static std::uint8_t tag_of(std::string_view key) {
        if (key.empty()) return 0;
        const auto byte = [](char c) { return static_cast<unsigned char>(c); };
        return static_cast<std::uint8_t>(key.size() * 7 + byte(key.front()) * 31U + byte(key.back()));
    }
    /// Index of the node behind this one and all below it.
    std::size_t behind(std::size_t index) const { return nodes_[index].type < Type::array ? index + 1 : nodes_[index].end; }
    /// Index of the last member of that name of the object at `index`; 0 if there is none. `looked_at` grows by the members passed.
    std::size_t member_of(std::size_t index, std::string_view name, std::size_t& looked_at) const;
    Value array_at(std::size_t index, Version version) const;
    Value object_at(std::size_t index, Version version) const;

    std::unique_ptr<Structure> structure_;
    std::vector<Node> nodes_;         ///< the first `count_` are in use
    std::vector<std::uint8_t> tags_;  ///< of each node's name, side by side, so that looking for one is quick
    std::size_t count_ = 0;
    bool escapes_ = false;   ///< whether any string has one
    std::string unescaped_;  ///< the texts of strings that have escapes
};

}  // namespace fogbank::rules::sql
