// Any bytes are refused or give an object within the limits.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lambda/zip_archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fogbank::lambda::ZipLimits limits{64 * 1024, 256 * 1024, 100};
    const auto object = fogbank::lambda::shared_object_from_zip({reinterpret_cast<const char*>(data), size}, "handler", limits);
    if (object && object->size() > limits.unpacked_bytes_max) std::abort();
    return 0;
}
