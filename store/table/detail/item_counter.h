/// The approximate item count and size of DescribeTable.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "store/table/detail/item_key.h"

namespace fogbank::store::table {

/// Nothing is counted when items are written: an unconditional put does not know whether it replaces one. Instead each DescribeTable walks
/// on over the table by at most one page of the engine and answers what the last finished walk has counted; before the first has finished,
/// what was counted so far. So a small table's numbers are exact as of the call, a large one's lag (DynamoDB's lag by about six hours).
/// Thread-safe; one entry per table asked about.
class ItemCounter {
  public:
    struct Count {
        std::int64_t items = 0, bytes = 0;
    };

    explicit ItemCounter(kv::Engine& engine) : engine_(engine) {}
    /// @param space  keyspace() of a table or an index
    boost::asio::awaitable<Result<Count>> count(std::string space);
    /// The table and its indexes.
    void forget(TableNumber table);

  private:
    struct Walk {
        std::string next;  ///< where the walk goes on; empty: at the beginning
        Count counted, finished;
        bool was_finished = false;
    };

    Walk walk_of(const std::string& space);
    void keep(const std::string& space, const std::string& from, const Walk& walk);

    kv::Engine& engine_;
    std::mutex mutex_;
    std::map<std::string, Walk> walks_;
};

}  // namespace fogbank::store::table
