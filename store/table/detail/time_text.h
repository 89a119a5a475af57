/// Moments as text.
#pragma once

#include <string>

#include "common/clock.h"

namespace fogbank::store::table {

/// `2026-11-21T20:22:45.123`, UTC, as stream labels have it; with a `Z` it is ISO 8601. Not before 1970.
std::string millisecond_text(WallTime time);

}  // namespace fogbank::store::table
