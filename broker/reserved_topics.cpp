#include "broker/reserved_topics.h"

#include <algorithm>
#include <initializer_list>

namespace fogbank::broker {

namespace {

constexpr std::string_view things = "$aws/things/";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

/// Takes the first level and its slash off `rest`; empty when there is no slash after it.
std::string_view take_level(std::string_view& rest) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return {};
    const std::string_view level = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
    return level;
}

/// `shadow/<operation>` or `shadow/name/<shadow>/<operation>`: requests only, the answers are the service's.
bool is_shadow_request(std::string_view rest) {
    if (rest.starts_with("name/")) {
        take_level(rest);
        if (take_level(rest).empty()) return false;
    }
    return is_one_of(rest, {"get", "update", "delete"});
}

/// `jobs/get`, `jobs/start-next`, `jobs/<job>/get`, `jobs/<job>/update`.
bool is_job_request(std::string_view rest) {
    if (is_one_of(rest, {"get", "start-next"})) return true;
    return !take_level(rest).empty() && is_one_of(rest, {"get", "update"});
}

/// What clients may publish below `$aws/things/`. Whether the thing exists is its service's question.
bool is_thing_request(std::string_view rest) {
    if (take_level(rest).empty()) return false;
    const std::string_view service = take_level(rest);
    if (service == "shadow") return is_shadow_request(rest);
    return service == "jobs" && is_job_request(rest);
}

}  // namespace

bool is_publishable(std::string_view topic_name) {
    if (!topic_name.starts_with('$')) return true;
    if (topic_name.starts_with(things)) return is_thing_request(topic_name.substr(things.size()));
    constexpr std::string_view basic_ingest = "$aws/rules/";
    if (!topic_name.starts_with(basic_ingest)) return false;
    const std::string_view rule = topic_name.substr(basic_ingest.size(), topic_name.find('/', basic_ingest.size()) - basic_ingest.size());
    return !rule.empty();
}

bool is_subscribable(std::string_view topic_filter) {
    return !topic_filter.starts_with('$') || topic_filter.starts_with("$aws/");
}

}  // namespace fogbank::broker
