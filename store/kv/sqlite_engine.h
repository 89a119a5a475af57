/// The embedded engine: one SQLite file in WAL mode, one writer thread that commits what is queued as one transaction, readers on their own
/// connections.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "common/metrics.h"
#include "common/settings.h"
#include "store/kv/engine.h"

namespace fogbank::store::kv {

struct SqliteOptions {
    std::filesystem::path file;
    Durability durability = Durability::power_loss_safe;
    std::size_t queue_bytes_max = 256 << 20;  ///< submissions beyond this fail with `unavailable`
    std::size_t group_max = 4096;             ///< submissions committed together at most
    /// Looks through the file's pages before the first write, for up to this long: what is damaged is then known at the start and not when
    /// it is met. 0: not at all.
    std::chrono::milliseconds check_time_max{0};
    Metrics* metrics = nullptr;  ///< may be null; must outlive the engine
};

/// Opens or creates the database; checks its schema version. Errors: unavailable, corrupt.
/// Reads run inline on the calling thread through a connection of that thread.
Result<std::unique_ptr<Engine>> open_sqlite_engine(const SqliteOptions& options);

}  // namespace fogbank::store::kv
