/// One asynchronous invocation as the store keeps it, under `fnq`, function, time, number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/ids.h"
#include "store/kv/engine.h"

namespace fogbank::lambda {

/// Keys of one function sort in the order its events were accepted, and never collide, also when several servers share the store.
struct QueueKey {
    FunctionName function;
    std::uint64_t accepted_ms = 0;  ///< since the Unix epoch
    std::uint64_t number = 0;       ///< upper half counts, lower half is the server's run that accepted it, a random number

    std::string encode() const;
    static std::optional<QueueKey> decode(std::string_view key);
};

struct QueueValue {
    std::string request_id;  ///< the same in every attempt; a UUID
    std::string qualifier;   ///< version or alias; empty: `$LATEST`
    unsigned attempts = 0;   ///< made so far, all failed
    WallTime not_before{};   ///< of the next
    std::string event;

    std::string encode() const;
    /// Nothing if the bytes are not such a value.
    static std::optional<QueueValue> decode(std::string_view bytes);
};

/// All entries, or those of one function.
store::kv::Range queue_keys();
store::kv::Range queue_keys(const FunctionName& function);

}  // namespace fogbank::lambda
