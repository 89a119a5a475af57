/// `fogbank export` and `fogbank import` on the running server of a data folder.
#pragma once

#include <filesystem>

#include "app/command_line.h"
#include "common/settings.h"

namespace fogbank::app {

struct FleetArguments {
    std::filesystem::path folder;
    bool import = false;  ///< else export
};
ExitCode run_fleet(const Settings& settings, const FleetArguments& arguments);

}  // namespace fogbank::app
