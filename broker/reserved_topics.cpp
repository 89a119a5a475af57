#include "broker/reserved_topics.h"

#include <algorithm>
#include <array>

namespace fogbank::broker {
namespace {

/// `+` stands for one level, a last `#` for one or more.
struct Reserved {
    std::string_view pattern;
    bool publish, subscribe;
};
constexpr bool p = true, s = true, no = false;

// Reference "broker", section 16. That a topic is here does not mean that a service answers on it.
constexpr std::array table{
    Reserved{"$aws/things/+/shadow/get", p, s},
    Reserved{"$aws/things/+/shadow/update", p, s},
    Reserved{"$aws/things/+/shadow/delete", p, s},
    Reserved{"$aws/things/+/shadow/get/accepted", no, s},
    Reserved{"$aws/things/+/shadow/get/rejected", no, s},
    Reserved{"$aws/things/+/shadow/update/accepted", no, s},
    Reserved{"$aws/things/+/shadow/update/rejected", no, s},
    Reserved{"$aws/things/+/shadow/update/delta", no, s},
    Reserved{"$aws/things/+/shadow/update/documents", no, s},
    Reserved{"$aws/things/+/shadow/delete/accepted", no, s},
    Reserved{"$aws/things/+/shadow/delete/rejected", no, s},
    Reserved{"$aws/things/+/shadow/name/+/get", p, s},
    Reserved{"$aws/things/+/shadow/name/+/update", p, s},
    Reserved{"$aws/things/+/shadow/name/+/delete", p, s},
    Reserved{"$aws/things/+/shadow/name/+/get/accepted", no, s},
    Reserved{"$aws/things/+/shadow/name/+/get/rejected", no, s},
    Reserved{"$aws/things/+/shadow/name/+/update/accepted", no, s},
    Reserved{"$aws/things/+/shadow/name/+/update/rejected", no, s},
    Reserved{"$aws/things/+/shadow/name/+/update/delta", no, s},
    Reserved{"$aws/things/+/shadow/name/+/update/documents", no, s},
    Reserved{"$aws/things/+/shadow/name/+/delete/accepted", no, s},
    Reserved{"$aws/things/+/shadow/name/+/delete/rejected", no, s},
    Reserved{"$aws/rules/+", p, no},
    Reserved{"$aws/rules/+/#", p, no},
    Reserved{"$aws/events/presence/connected/#", no, s},
    Reserved{"$aws/events/presence/disconnected/#", no, s},
    Reserved{"$aws/events/presence/connect_failed/#", no, s},
    Reserved{"$aws/events/subscriptions/subscribed/#", no, s},
    Reserved{"$aws/events/subscriptions/unsubscribed/#", no, s},
    Reserved{"$aws/events/certificates/registered/+", no, s},
    Reserved{"$aws/events/job/+/+", no, s},
    Reserved{"$aws/events/jobExecution/+/+", no, s},
    Reserved{"$aws/events/thing/+/+", no, s},
    Reserved{"$aws/events/thingGroup/+/+", no, s},
    Reserved{"$aws/events/thingType/+/+", no, s},
    Reserved{"$aws/events/thingTypeAssociation/thing/+/+", no, s},
    Reserved{"$aws/events/thingGroupMembership/thingGroup/+/thing/+/+", no, s},
    Reserved{"$aws/events/thingGroupHierarchy/thingGroup/+/childThingGroup/+/+", no, s},
    Reserved{"$aws/certificates/create/+", p, no},
    Reserved{"$aws/certificates/create/+/accepted", no, s},
    Reserved{"$aws/certificates/create/+/rejected", no, s},
    Reserved{"$aws/certificates/create-from-csr/+", p, no},
    Reserved{"$aws/certificates/create-from-csr/+/accepted", no, s},
    Reserved{"$aws/certificates/create-from-csr/+/rejected", no, s},
    Reserved{"$aws/provisioning-templates/+/provision/+", p, no},
    Reserved{"$aws/provisioning-templates/+/provision/+/accepted", no, s},
    Reserved{"$aws/provisioning-templates/+/provision/+/rejected", no, s},
    Reserved{"$aws/things/+/jobs/get", p, no},
    Reserved{"$aws/things/+/jobs/start-next", p, no},
    Reserved{"$aws/things/+/jobs/+/get", p, no},
    Reserved{"$aws/things/+/jobs/+/update", p, no},
    Reserved{"$aws/things/+/jobs/get/accepted", no, s},
    Reserved{"$aws/things/+/jobs/get/rejected", no, s},
    Reserved{"$aws/things/+/jobs/start-next/accepted", no, s},
    Reserved{"$aws/things/+/jobs/start-next/rejected", no, s},
    Reserved{"$aws/things/+/jobs/+/get/accepted", no, s},
    Reserved{"$aws/things/+/jobs/+/get/rejected", no, s},
    Reserved{"$aws/things/+/jobs/+/update/accepted", no, s},
    Reserved{"$aws/things/+/jobs/+/update/rejected", no, s},
    Reserved{"$aws/things/+/jobs/notify", no, s},
    Reserved{"$aws/things/+/jobs/notify-next", no, s},
    Reserved{"$aws/things/+/tunnels/notify", no, s},
    Reserved{"$aws/things/+/streams/+/get/+", p, no},
    Reserved{"$aws/things/+/streams/+/describe/+", p, no},
    Reserved{"$aws/things/+/streams/+/data/+", no, s},
    Reserved{"$aws/things/+/streams/+/description/+", no, s},
    Reserved{"$aws/things/+/streams/+/rejected/+", no, s},
    Reserved{"$aws/things/+/defender/metrics/+", p, no},
    Reserved{"$aws/things/+/defender/metrics/+/accepted", no, s},
    Reserved{"$aws/things/+/defender/metrics/+/rejected", no, s},
    Reserved{"$aws/device_location/+/get_position_estimate", p, no},
    Reserved{"$aws/device_location/+/get_position_estimate/accepted", no, s},
    Reserved{"$aws/device_location/+/get_position_estimate/rejected", no, s},
    Reserved{"$aws/sitewise/asset-models/+/assets/+/properties/+", no, s},
    Reserved{"$aws/commands/+/+/executions/+/request", no, s},
    Reserved{"$aws/commands/+/+/executions/+/request/+", no, s},
    Reserved{"$aws/commands/+/+/executions/+/response/+", p, s},
    Reserved{"$aws/commands/+/+/executions/+/response/accepted/+", no, s},
    Reserved{"$aws/commands/+/+/executions/+/response/rejected/+", no, s},
};

std::string_view take_level(std::string_view& rest, bool& more) {
    const std::size_t slash = rest.find('/');
    const std::string_view level = rest.substr(0, slash);
    more = slash != std::string_view::npos;
    rest = more ? rest.substr(slash + 1) : std::string_view();
    return level;
}

/// Whether there is a topic that both match. An empty level is no name of a thing, a rule or a job.
bool overlap(std::string_view filter, std::string_view pattern) {
    bool filter_more = true;
    bool pattern_more = true;
    while (filter_more && pattern_more) {
        const std::string_view wanted = take_level(filter, filter_more);
        const std::string_view level = take_level(pattern, pattern_more);
        if (wanted == "#") return true;
        if (level == "#") return !wanted.empty();
        if (wanted == "+") continue;
        if (level == "+" ? wanted.empty() : wanted != level) return false;
    }
    return filter_more == pattern_more;
}

}  // namespace

bool is_publishable(std::string_view topic_name) {
    if (!topic_name.starts_with('$')) return true;
    return std::any_of(table.begin(), table.end(), [&](const Reserved& row) { return row.publish && overlap(topic_name, row.pattern); });
}

bool is_subscribable(std::string_view topic_filter) {
    if (!topic_filter.starts_with('$')) return true;
    return std::any_of(table.begin(), table.end(),
                       [&](const Reserved& row) { return row.subscribe && overlap(topic_filter, row.pattern); });
}

}  // namespace fogbank::broker
