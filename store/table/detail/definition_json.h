/// Table definitions as the JSON that is stored.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "store/table/detail/table_definition.h"

namespace fogbank::store::table {

nlohmann::json definition_to_json(const TableDefinition& definition);
/// Throws nlohmann::json::exception when members are missing or of another type.
TableDefinition definition_from_json(const nlohmann::json& stored);

}  // namespace fogbank::store::table
