/// The `backup` and `restore` sub-commands.
#pragma once

#include <string>

#include "app/command_line.h"
#include "common/settings.h"

namespace fogbank::app {

/// Copies the data folder's store and files into one file; a server may be running on it.
ExitCode run_backup(const Settings& settings, const std::string& file);
/// Puts such a file back; refused while a server runs on the folder.
ExitCode run_restore(const Settings& settings, const std::string& file);

}  // namespace fogbank::app
