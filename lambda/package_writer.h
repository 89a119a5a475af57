/// Makes deployment packages, for the command line.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace fogbank::lambda {

/// A zip of one file (under its own name), or of everything in a folder, with the executable bits. Symbolic links are followed.
/// Errors: invalid_code, when there is nothing to pack, more than zip_entries_max files, or more than unpacked_bytes_max bytes.
Result<std::string> make_package(const std::filesystem::path& path);

}  // namespace fogbank::lambda
