/// The command line: sub-commands, options, help, exit codes.
#pragma once

namespace fogbank::app {

/// What the process returns.
enum class ExitCode : int {
    ok = 0,
    failed = 1,        ///< the command ran and did not succeed
    usage = 2,         ///< wrong options, bad configuration
    cannot_start = 3,  ///< data folder in use or damaged, port taken, no permission
    not_clean = 4,     ///< stopped, but not everything could be finished in time; nothing acknowledged is lost
};

/// Parses and runs. `environment` as in `environ`.
ExitCode run_command_line(int argc, const char* const* argv, const char* const* environment);

}  // namespace fogbank::app
