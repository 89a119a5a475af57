/// The shared object inside a deployment package.
#pragma once

#include <cstddef>
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

}  // namespace fogbank::lambda
