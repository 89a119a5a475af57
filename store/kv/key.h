/// Order-preserving keys from typed parts. Every room has its own first byte-string part, so ranges never mix:
/// `reg` registry, `rule` topic rules, `tbl` table metadata, `itm` table items, `fn` functions, `fnq` asynchronous invocations, `shd` shadows,
/// `job` jobs, `mqtt` sessions and retained messages, `sys` the server itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/kv/engine.h"

namespace fogbank::store::kv {

/// Builds a key part by part. Comparing two keys bytewise is comparing their parts in order; a shorter part sorts before a longer one that
/// begins with it.
class KeyBuilder {
  public:
    KeyBuilder() = default;
    explicit KeyBuilder(std::string_view room) { text(room); }
    /// Any bytes: 0x00 is escaped as 0x00 0xFF and the part ends with 0x00 0x01.
    KeyBuilder& text(std::string_view part);
    /// Eight bytes, big endian.
    KeyBuilder& number(std::uint64_t value);
    /// Bytes that are already order-preserving and self-delimiting (Decimal::sortable_bytes).
    KeyBuilder& raw(std::string_view bytes);

    const std::string& str() const& { return key_; }
    std::string str() && { return std::move(key_); }
    /// All keys that begin with the parts so far.
    Range prefix_range() const;

  private:
    std::string key_;
};

/// Takes the parts off the front of a key again. Each returns nothing if the bytes are not such a part.
class KeyReader {
  public:
    explicit KeyReader(std::string_view key) : rest_(key) {}
    std::optional<std::string> text();
    std::optional<std::uint64_t> number();
    std::string_view rest() const { return rest_; }
    void skip(std::size_t bytes) { rest_.remove_prefix(bytes); }

  private:
    std::string_view rest_;
};

/// The smallest key greater than every key that begins with `prefix`; empty (no bound) if there is none.
std::string prefix_end(std::string_view prefix);

}  // namespace fogbank::store::kv
