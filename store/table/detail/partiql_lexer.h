/// PartiQL's text as words. Source: as detail/partiql.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace fogbank::store::table {

struct PartiQlWord {
    enum class Kind : unsigned char { identifier, quoted, string, number, symbol, end };
    Kind kind = Kind::end;
    std::string text;
    std::size_t position = 0;
};

/// All words and one of kind `end`. Errors: validation with a position (quoted text without an end).
Result<std::vector<PartiQlWord>> split_partiql(std::string_view text);

/// `Statement wasn't well formed …: <why> at byte <position + 1>`
Error partiql_error(std::size_t position, const std::string& why);

/// Whether `a` is the keyword `upper`, in any case.
bool is_partiql_keyword(std::string_view a, std::string_view upper);

}  // namespace fogbank::store::table
