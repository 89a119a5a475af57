/// IAM's records as stored: one JSON object each, with a version `v`, under the keys `iam`.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "registry/iam.h"

namespace fogbank::registry {

/// Key to record, of a whole state.
using IamRecords = std::map<std::string, std::string>;

IamRecords encode_state(const IamState& state);
/// Errors: store_unavailable for what this version did not write.
Result<IamState> decode_state(const std::vector<store::kv::KeyValue>& records);

store::kv::Range iam_entities();
std::string iam_session_key();

}  // namespace fogbank::registry
