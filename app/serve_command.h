/// The `serve` sub-command.
#pragma once

#include "app/command_line.h"
#include "common/settings.h"

namespace fogbank::app {

/// Starts the server, prints where to connect, waits for SIGTERM or SIGINT, stops.
ExitCode run_serve(const Settings& settings);

}  // namespace fogbank::app
