/// What things are found by without reading the whole fleet: for each of a thing's names, its type and its attributes one key that leads to
/// it, written and erased in the transaction that changes the thing. A query that asks for one of them in so many words looks only at the
/// things under it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "registry/detail/core.h"
#include "registry/index_query.h"

namespace fogbank::registry {

/// The terms of a thing: texts in lower case, and texts that read as numbers a second time as numbers. Sorted.
std::vector<IndexTerm> search_terms(const Thing& thing);

/// Erases the terms that `before` has and `after` has not, writes those that are new. Null: there is no thing.
void put_search_terms(Transaction& tx, const Thing* before, const Thing* after);

/// Writes the terms of things that an older version stored. Once, before the registry is used.
Awaitable<void> build_search_terms(Core& core);

}  // namespace fogbank::registry
