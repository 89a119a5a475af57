/// What must hold before a file may be given to the dynamic loader. A file that was cut short would not be refused by it but kill the
/// process later.
#pragma once

#include <string_view>

#include "common/result.h"

namespace fogbank::lambda {

/// Whether `bytes` are a whole ELF shared object for the machine this program runs on. Reads any bytes, never outside them.
/// Errors: invalid_code, saying what it is instead.
Result<void> check_shared_object(std::string_view bytes);

}  // namespace fogbank::lambda
