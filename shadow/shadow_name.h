/// Which shadow: its names, topics and keys. Source: AWS IoT Core Developer Guide, "Device Shadow MQTT topics" (reference "shadow",
/// sections 1, 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"
#include "store/kv/engine.h"

namespace fogbank::shadow {

struct ShadowName {
    ThingName thing;
    std::string shadow;  ///< empty: the classic shadow
    friend bool operator==(const ShadowName&, const ShadowName&) = default;
};

/// Errors: invalid_request. Thing names are `[a-zA-Z0-9:_-]{1,128}`, shadow names `[$a-zA-Z0-9:_-]{1,64}`.
Result<void> validate(const ShadowName& name);

enum class Operation : std::uint8_t { get, update, remove };
/// `get`, `update`, `delete`.
std::string_view operation_name(Operation operation);

struct RequestTopic {
    ShadowName name;
    Operation operation = Operation::get;
};
/// The request topics' parts; nothing for any other topic. Names are not validated.
std::optional<RequestTopic> parse_request_topic(std::string_view topic);

/// `$aws/things/<thing>/shadow` or `$aws/things/<thing>/shadow/name/<shadow>`.
std::string topic_prefix(const ShadowName& name);

/// How the 404 names the shadow: `<thing>` or `<thing>~<shadow>`.
std::string quoted_name(const ShadowName& name);

// Keys of the store, room `shd`.

std::string record_key(const ShadowName& name);
/// All shadows of one thing; the classic one is first.
store::kv::Range thing_range(const ThingName& thing);
/// The name of the shadow in a record's key; nothing if it is no such key.
std::optional<ShadowName> name_in_key(std::string_view key);
/// Deleted shadows by the time of their deletion, so that they can be forgotten.
std::string deleted_key(std::int64_t deleted_at_s, const ShadowName& name);
store::kv::Range deleted_before(std::int64_t time_s);
std::optional<ShadowName> name_in_deleted_key(std::string_view key);

}  // namespace fogbank::shadow
