/// What belongs to a function beside its code and configuration: aliases, tags, permissions, concurrency, how asynchronous events are
/// treated. One record, `fnm`; versions are records of their own, `fnv`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/result.h"
#include "store/kv/engine.h"

namespace fogbank::lambda {

/// Source: API reference, AliasConfiguration.
struct Alias {
    std::string function_version, description, revision_id;
    std::map<std::string, double> routing;  ///< another version's share of the invocations, 0 to 1; at most one
};

/// Source: API reference, FunctionEventInvokeConfig.
struct EventInvokeConfig {
    std::optional<std::int64_t> maximum_retry_attempts;  ///< 0 to 2
    std::optional<std::int64_t> maximum_event_age_s;     ///< 60 to 21600
    std::string on_success, on_failure;                  ///< a function's ARN; may be empty
    WallTime modified_at{};
};

/// A resource-based policy: its statements, each JSON text, in the order they were added.
struct FunctionPolicy {
    std::string revision_id;
    std::vector<std::pair<std::string, std::string>> statements;  ///< StatementId and statement
};

struct FunctionMeta {
    std::map<std::string, std::string> tags;
    std::optional<std::int64_t> reserved_concurrency;
    std::uint64_t last_version = 0;  ///< numbers are not used twice
    std::map<std::string, Alias> aliases;
    std::map<std::string, FunctionPolicy> policies;           ///< by qualifier; empty: the function
    std::map<std::string, EventInvokeConfig> invoke_configs;  ///< by qualifier; empty: `$LATEST`
};

std::string encode(const FunctionMeta& meta);
/// Errors: unavailable, when the bytes are not such a record.
Result<FunctionMeta> decode_function_meta(std::string_view bytes);

std::string function_meta_key(const FunctionName& name);
store::kv::Range function_meta_keys();
/// A version's record is a FunctionRecord.
std::string function_version_key(const FunctionName& name, std::uint64_t version);
store::kv::Range function_version_keys();
store::kv::Range function_version_keys(const FunctionName& name);

}  // namespace fogbank::lambda
