/// Which attributes an expression names, for who judges access to them. The text need not be well-formed.
#pragma once

#include <string>
#include <vector>

#include "store/table/table_service.h"

namespace fogbank::store::table {

/// The first names of all paths in the expression, placeholders replaced.
std::vector<std::string> top_attributes(const Expression& expression, const Placeholders& placeholders);

}  // namespace fogbank::store::table
