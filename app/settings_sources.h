/// Where settings come from: defaults, then a TOML file, then FOGBANK_* variables, then the command line; later ones win.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "common/settings.h"

namespace fogbank::app {

/// A setting's name with its values, as one source gave them.
using SettingValues = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Reads a TOML file of top-level keys (strings, integers, arrays of strings). Unknown keys and other types are errors.
/// Errors: CommonErrc::io_error, invalid_configuration with file and line.
Result<void> apply_file(Settings& settings, const std::filesystem::path& file);

/// @param environment  `NAME=value` strings, as in `environ`. A FOGBANK_ variable that is no setting is an error; FOGBANK_CONFIG is left
/// out.
///                     A repeated setting takes a comma-separated list.
Result<void> apply_environment(Settings& settings, const char* const* environment);

Result<void> apply_values(Settings& settings, const SettingValues& values);

}  // namespace fogbank::app
