/// Topics that begin with `$`: which of them a client may use.
/// Source: AWS IoT Core Developer Guide, "Reserved topics"; reference "broker", sections 10, 15 and 16.
#pragma once

#include <string_view>

namespace fogbank::broker {

/// Whether a client may publish to `topic_name`: any that does not begin with `$`, and those that AWS's table marks so (shadows, jobs,
/// provisioning, Basic Ingest …).
bool is_publishable(std::string_view topic_name);

/// Whether a client may subscribe to `topic_filter`: any that does not begin with `$`, and those that match a topic that AWS's table marks
/// so.
bool is_subscribable(std::string_view topic_filter);

}  // namespace fogbank::broker
