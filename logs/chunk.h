/// Some events of one stream, as one value of the store: `log`, `e`, group, stream, number.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logs/log_store.h"

namespace fogbank::logs {

std::string encode_chunk(const std::vector<LogEvent>& events, WallTime ingested_at);
/// Nothing if the bytes are not a chunk. Any bytes are safe.
std::optional<std::vector<StoredEvent>> decode_chunk(std::string_view bytes);

std::string group_key(const std::string& group);
std::string stream_key(const std::string& group, const std::string& stream);
std::string chunk_key(const std::string& group, const std::string& stream, std::uint64_t number);
store::kv::Range all_group_keys();
store::kv::Range all_stream_keys();
store::kv::Range all_chunk_keys();
store::kv::Range stream_keys(const std::string& group);
store::kv::Range chunk_keys(const std::string& group);
store::kv::Range chunk_keys(const std::string& group, const std::string& stream);

}  // namespace fogbank::logs
