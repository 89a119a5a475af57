/// This server's own operations, below /_fogbank: no part of AWS, signed like all others (service `iot`).
#pragma once

#include <span>

#include "api/service.h"

namespace fogbank::api {

std::span<const Operation> fogbank_rules_operations();

}  // namespace fogbank::api
