/// Erases the items of deleted tables in the background.
#pragma once

#include "store/table/detail/item_key.h"

namespace fogbank::store::table {

/// Starts to erase what a deleted table left, piece by piece, each a short transaction of the engine, so that other writes get in between.
/// The table's erasure key goes with the last piece; after a failure or a stop it is still there and the next start goes on. Returns at
/// once; needs nothing but the engine from then on.
void erase_items(kv::Engine& engine, TableNumber table);

/// Goes on with what an earlier run has not finished.
boost::asio::awaitable<Result<void>> resume_erasures(kv::Engine& engine);

}  // namespace fogbank::store::table
