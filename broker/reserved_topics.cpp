#include "broker/reserved_topics.h"

namespace fogbank::broker {
namespace {

/// Fleet provisioning: `$aws/certificates/create/<format>`, `…/create-from-csr/<format>`,
/// `$aws/provisioning-templates/<template>/provision/<format>`.
bool is_provisioning_request(std::string_view topic) {
    const std::size_t last = topic.rfind('/');
    const std::string_view format = topic.substr(last + 1), rest = topic.substr(0, last);
    if (format != "json" && format != "cbor") return false;
    if (rest == "$aws/certificates/create" || rest == "$aws/certificates/create-from-csr") return true;
    constexpr std::string_view begin = "$aws/provisioning-templates/", end = "/provision";
    if (!rest.starts_with(begin) || !rest.ends_with(end) || rest.size() <= begin.size() + end.size()) return false;
    return rest.substr(begin.size(), rest.size() - begin.size() - end.size()).find('/') == std::string_view::npos;
}

}  // namespace

bool is_publishable(std::string_view topic_name) {
    if (!topic_name.starts_with('$')) return true;
    if (is_provisioning_request(topic_name)) return true;
    constexpr std::string_view basic_ingest = "$aws/rules/";
    if (!topic_name.starts_with(basic_ingest)) return false;
    const std::string_view rule = topic_name.substr(basic_ingest.size(), topic_name.find('/', basic_ingest.size()) - basic_ingest.size());
    return !rule.empty();
}

bool is_subscribable(std::string_view topic_filter) {
    return !topic_filter.starts_with('$') || topic_filter.starts_with("$aws/");
}

}  // namespace fogbank::broker
