#include "common/topic.h"

#include <algorithm>

#include "common/common_errc.h"
#include "common/encoding.h"

namespace fogbank {
namespace {

constexpr std::string_view basic_ingest_prefix = "$aws/rules/";

/// `topic` without the three Basic Ingest levels, which AWS does not count.
std::string_view counted_part(std::string_view topic) {
    if (!topic.starts_with(basic_ingest_prefix)) return topic;
    const std::size_t slash = topic.find('/', basic_ingest_prefix.size());
    return slash == std::string_view::npos ? std::string_view() : topic.substr(slash + 1);
}

Error malformed(std::string_view what, std::string_view topic, std::string_view why) {
    return {CommonErrc::malformed, std::string(what) + " `" + std::string(topic.substr(0, 300)) + "`: " + std::string(why)};
}

Result<void> validate_common(std::string_view what, std::string_view topic, const TopicLimits& limits) {
    if (topic.empty()) return malformed(what, topic, "must have at least one character");
    if (topic.find('\0') != std::string_view::npos) return malformed(what, topic, "must not contain U+0000");
    if (!is_valid_utf8(topic)) return malformed(what, "", "not well-formed UTF-8");
    const std::string_view counted = counted_part(topic);
    if (counted.size() > limits.bytes_max) {
        return Error(CommonErrc::too_large, std::string(what) + " is " + std::to_string(counted.size()) + " bytes long, at most " +
                                                std::to_string(limits.bytes_max) + " are allowed");
    }
    if (static_cast<std::size_t>(std::count(counted.begin(), counted.end(), '/')) > limits.slashes_max) {
        return Error(CommonErrc::too_deep,
                     std::string(what) + " `" + std::string(topic) + "`: more than " + std::to_string(limits.slashes_max) + " slashes");
    }
    return {};
}

std::string_view take_level(std::string_view& rest, bool& more) {
    const std::size_t slash = rest.find('/');
    const std::string_view level = rest.substr(0, slash);
    more = slash != std::string_view::npos;
    rest = more ? rest.substr(slash + 1) : std::string_view();
    return level;
}

}  // namespace

Result<void> validate_topic_name(std::string_view topic_name, const TopicLimits& limits) {
    if (auto valid = validate_common("topic name", topic_name, limits); !valid) return valid;
    if (topic_name.find_first_of("+#") != std::string_view::npos) return malformed("topic name", topic_name, "wildcards are not allowed");
    return {};
}

Result<void> validate_topic_filter(std::string_view topic_filter, const TopicLimits& limits) {
    if (auto valid = validate_common("topic filter", topic_filter, limits); !valid) return valid;
    std::string_view rest = topic_filter;
    bool more = true;
    while (more) {
        const std::string_view level = take_level(rest, more);
        if (level.find_first_of("+#") == std::string_view::npos) continue;
        if (level.size() != 1) return malformed("topic filter", topic_filter, "a wildcard must stand alone in its level");
        if (level == "#" && more) return malformed("topic filter", topic_filter, "`#` must be the last level");
    }
    return {};
}

bool topic_matches(std::string_view topic_filter, std::string_view topic_name, bool parent_matches_hash) {
    if (topic_name.starts_with('$') && (topic_filter.starts_with('+') || topic_filter.starts_with('#'))) return false;
    std::string_view filter = topic_filter;
    std::string_view topic = topic_name;
    bool filter_more = true;
    bool topic_more = true;
    while (true) {
        const std::string_view filter_level = take_level(filter, filter_more);
        if (filter_level == "#") return true;
        const std::string_view level = take_level(topic, topic_more);
        if (filter_level != "+" && filter_level != level) return false;
        if (!filter_more && !topic_more) return true;
        if (!topic_more) return parent_matches_hash && filter == "#";
        if (!filter_more) return false;
    }
}

std::optional<SharedFilter> parse_shared_filter(std::string_view filter) {
    constexpr std::string_view prefix = "$share/";
    if (!filter.starts_with(prefix)) return std::nullopt;
    const std::string_view rest = filter.substr(prefix.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    return SharedFilter{rest.substr(0, slash), rest.substr(slash + 1)};
}

std::optional<std::string_view> topic_level(std::string_view topic, std::size_t level) {
    if (level == 0) return std::nullopt;
    std::string_view rest = topic;
    bool more = true;
    while (more) {
        const std::string_view current = take_level(rest, more);
        if (--level == 0) return current;
    }
    return std::nullopt;
}

}  // namespace fogbank
