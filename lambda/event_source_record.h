/// Event source mappings and their checkpoints in the store: `esm`, id → the mapping; `esc`, id, shard → the last sequence number that is
/// done with.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "lambda/event_sources.h"
#include "store/kv/engine.h"

namespace fogbank::lambda {

std::string encode(const EventSourceMapping& mapping);
/// Errors: unavailable, when the bytes are not such a record.
Result<EventSourceMapping> decode_event_source_mapping(std::string_view bytes);

std::string event_source_key(std::string_view id);
store::kv::Range event_source_keys();
std::string checkpoint_key(std::string_view id, std::string_view shard);
/// All of one mapping.
store::kv::Range checkpoint_keys(std::string_view id);

}  // namespace fogbank::lambda
