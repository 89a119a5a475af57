// Any bytes are either refused or have all their loadable segments inside the file; nothing is read outside them.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lambda/elf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static_cast<void>(fogbank::lambda::check_shared_object({reinterpret_cast<const char*>(data), size}));
    return 0;
}
