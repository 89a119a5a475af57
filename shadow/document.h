/// A shadow document and everything that is said about it on the wire. Pure. Source: AWS IoT Core Developer Guide, "Device Shadow service
/// documents" (reference "shadow", sections 4 to 7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shadow/update.h"
#include "shadow/value.h"

namespace fogbank::shadow {

struct Document {
    Value desired = Value::object();   ///< without members: the section does not exist
    Value reported = Value::object();  ///< likewise
    std::int64_t version = 0;
};

using ClientToken = std::optional<std::string>;

/// The document after `update`, its version one higher. `update.state` must have been stamped with the time of the update.
/// @param document_bytes_max  nothing: the caller knows that the outcome is small enough
/// Errors: document_too_large. The version in `update` is not judged here.
Result<Document> apply_update(Document current, const Update& update, std::optional<std::size_t> document_bytes_max);

/// Bytes of desired and reported without white space and metadata; a missing section counts nothing.
std::size_t document_bytes(const Document& document);

// Answers and notices. `now_s`: the time of the answer, whole seconds since 1970.

/// `update/accepted`: what the request held, as sent. `state` must be stamped.
std::string accepted_json(const Value& state, std::int64_t version, std::int64_t now_s, const ClientToken& token);
/// `get/accepted`: everything, with the delta if there is one.
std::string get_json(const Document& document, std::int64_t now_s, const ClientToken& token);
/// `update/delta`; nothing if desired and reported agree.
std::optional<std::string> delta_json(const Document& document, std::int64_t now_s, const ClientToken& token);
/// `{"state":…,"metadata":…,"version":…}`, the parts of `update/documents`.
std::string document_json(const Document& document);
/// `update/documents` from two document_json; no `previous` for a shadow that was created.
std::string documents_json(const std::optional<std::string>& previous, const std::string& current, std::int64_t now_s,
                           const ClientToken& token);
/// `delete/accepted`.
std::string deleted_json(std::int64_t version, std::int64_t now_s, const ClientToken& token);

}  // namespace fogbank::shadow
