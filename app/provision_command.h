/// The `provision` sub-command.
#pragma once

#include <string>

#include "app/command_line.h"
#include "common/settings.h"

namespace fogbank::app {

struct ProvisionArguments {
    std::string thing, out, host;
};

ExitCode run_provision(const Settings& settings, const ProvisionArguments& arguments);

}  // namespace fogbank::app
