/// The shared object inside a deployment package.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/result.h"
#include "lambda/limits.h"

namespace fogbank::lambda {

struct ZipLimits {
    std::size_t zip_bytes_max = fogbank::lambda::zip_bytes_max;
    std::size_t unpacked_bytes_max = fogbank::lambda::unpacked_bytes_max;
    std::size_t entries_max = zip_entries_max;
};

/// The bytes of the shared object that `handler` names (`x.so` or `x`), or else of the only `.so` in the archive. Nothing else is unpacked
/// and nothing touches the disk. Any bytes are safe to pass.
///
/// Errors: invalid_code. The whole archive is refused when an entry's name is absolute or leaves the folder, an entry is a symbolic link or
/// encrypted, or a limit is exceeded, so that no part of a hostile package is ever used.
Result<std::string> shared_object_from_zip(std::string_view zip, std::string_view handler, const ZipLimits& limits = {});

/// Unpacks the whole package into the new folder `folder`: regular files and folders, executable where the archive says so. Each file is
/// read in steps, so a package costs the memory of a step. After an error nothing of it is left. Blocks on the disk.
///
/// Errors: invalid_code, for the same reasons as above; unavailable, when the disk refuses.
Result<void> unpack_package(std::string_view zip, const std::filesystem::path& folder, const ZipLimits& limits = {});

}  // namespace fogbank::lambda
