/// `fogbank explain`: asks the running server of the data folder what a thing's certificates may do, and why.
#pragma once

#include <string>

#include "app/command_line.h"
#include "common/settings.h"

namespace fogbank::app {

struct ExplainArguments {
    std::string thing, action, topic, client, principal;
};

/// Prints one decision and its reason for each principal. Exit code failed if any is refused, or none could be asked about.
ExitCode run_explain(const Settings& settings, const ExplainArguments& arguments);

}  // namespace fogbank::app
