/// What the store holds for a shadow: a compact binary form of the document with its time stamps, or what is left of a deleted one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shadow/document.h"

namespace fogbank::shadow {

/// A deleted shadow leaves its version behind for 48 hours, so that a new one goes on counting.
struct Tombstone {
    std::int64_t version = 0;       ///< of the document that was deleted
    std::int64_t deleted_at_s = 0;  ///< seconds since 1970
};

/// Exactly one of the two.
struct Record {
    std::optional<Document> document;
    Tombstone tombstone;
};

std::string encode_document(const Document& document);
std::string encode_tombstone(const Tombstone& tombstone);
/// Errors: internal_failure when the bytes are not a record. Bounded in depth, never reads past the end.
Result<Record> decode_record(std::string_view bytes);

}  // namespace fogbank::shadow
