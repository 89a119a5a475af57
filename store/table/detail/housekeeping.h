/// What has to be done now and then: items whose time to live is over, stream records past their retention, tokens of old transactions.
#pragma once

#include <map>
#include <memory>

#include "store/table/detail/catalog.h"
#include "store/table/detail/stream_log.h"

namespace fogbank::store::table {

/// Expired items are found by walking the tables that have a time to live, a bounded piece a step; so nothing is paid for it when items are
/// written, and a small table is clean within seconds, ten million items within about an hour (DynamoDB: within days). One `step` at a
/// time.
class Housekeeping {
  public:
    Housekeeping(kv::Engine& engine, const Clock& clock, ArnFactory arns, std::shared_ptr<Catalog> catalog,
                 std::shared_ptr<StreamWatchers> watchers)
        : engine_(engine), clock_(clock), arns_(std::move(arns)), catalog_(std::move(catalog)), watchers_(std::move(watchers)) {}

    Awaitable<void> step();

  private:
    Awaitable<void> expire_items(DefinitionPtr table);
    Awaitable<void> trim_streams();
    Awaitable<void> trim_stream(StreamDescriptor stream);
    Awaitable<void> forget_tokens();

    kv::Engine& engine_;
    const Clock& clock_;
    ArnFactory arns_;
    std::shared_ptr<Catalog> catalog_;
    std::shared_ptr<StreamWatchers> watchers_;
    std::map<TableNumber, std::string> cursors_;  ///< where the walk over each table goes on
};

/// Whether the item's time is over: its attribute is a number of seconds since 1970 that has passed, by five years at most.
bool is_expired(const Item& item, const std::string& attribute, WallTime now);

}  // namespace fogbank::store::table
