#include "broker/reserved_topics.h"

namespace fogbank::broker {

bool is_publishable(std::string_view topic_name) {
    if (!topic_name.starts_with('$')) return true;
    constexpr std::string_view basic_ingest = "$aws/rules/";
    if (!topic_name.starts_with(basic_ingest)) return false;
    const std::string_view rule = topic_name.substr(basic_ingest.size(), topic_name.find('/', basic_ingest.size()) - basic_ingest.size());
    return !rule.empty();
}

bool is_subscribable(std::string_view topic_filter) {
    return !topic_filter.starts_with('$') || topic_filter.starts_with("$aws/");
}

}  // namespace fogbank::broker
