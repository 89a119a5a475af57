/// Topics that begin with `$`: which of them a client may use. Services on reserved topics are added here as they come.
/// Source: AWS IoT Core Developer Guide, "Reserved topics"; reference "broker", sections 10 and 15.
#pragma once

#include <string_view>

namespace fogbank::broker {

/// Whether a client may publish to `topic_name`: any that does not begin with `$`, Basic Ingest (`$aws/rules/<rule>/…`), and the
/// requests of shadows and jobs (`$aws/things/<thing>/shadow/…`, `…/jobs/…`).
bool is_publishable(std::string_view topic_name);

/// Whether a client may subscribe to `topic_filter`: any that does not begin with `$`, and AWS's reserved names (`$aws/…`).
bool is_subscribable(std::string_view topic_filter);

}  // namespace fogbank::broker
