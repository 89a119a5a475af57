/// Several writes as one: TransactWriteItems, BatchWriteItem, ExecuteTransaction.
#pragma once

#include "store/table/detail/catalog.h"
#include "store/table/detail/item_write.h"

namespace fogbank::store::table {

/// On its way; shared with the engine's thread.
struct WriteTransaction {
    std::vector<SharedWrite> writes;
    std::vector<DefinitionPtr> tables;  ///< of each write
    std::string token, digest;
    bool is_batch = false;  ///< BatchWriteItem: no conditions, so nothing to cancel it

    // Set by the body.
    std::vector<CancellationReason> reasons;
    bool cancelled = false, repeated = false;
};

}  // namespace fogbank::store::table
