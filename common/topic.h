/// MQTT topic names and topic filters: validation, levels and the reference matcher. Source: OASIS MQTT 3.1.1 section 4.7 and AWS's
/// deviations (reference "broker", sections 7 and 15).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace fogbank {

/// Bounds on topics; the values are rows of the quota table (common/quotas.h).
struct TopicLimits {
    std::size_t bytes_max = 256;
    std::size_t slashes_max = 7;
};

/// A topic name that a client may publish to: 1 to `bytes_max` bytes of UTF-8 without NUL, `+` or `#`, at most `slashes_max` slashes.
/// The first three levels of a Basic Ingest topic (`$aws/rules/<rule>/…`) do not count.
Result<void> validate_topic_name(std::string_view topic_name, const TopicLimits& limits);

/// A topic filter: like a name, `+` alone in its level, `#` alone in the last level. `$share/<name>/` is not parsed here; it does not
/// count.
Result<void> validate_topic_filter(std::string_view topic_filter, const TopicLimits& limits);

/// The obvious matcher, and the oracle for the topic index. `parent_matches_hash`: whether `a/#` matches `a` (OASIS yes, AWS no).
/// A filter that begins with a wildcard does not match a topic that begins with `$` (MQTT-4.7.2-1).
bool topic_matches(std::string_view topic_filter, std::string_view topic_name, bool parent_matches_hash = false);

/// `$share/<share_name>/<topic_filter>`.
struct SharedFilter {
    std::string_view share_name, topic_filter;
};
/// Splits a shared subscription's filter; nothing if `filter` does not begin with `$share/` or has no second part.
std::optional<SharedFilter> parse_shared_filter(std::string_view filter);

/// The 1-based `level` of `topic`, nothing if there are fewer.
std::optional<std::string_view> topic_level(std::string_view topic, std::size_t level);

}  // namespace fogbank
