#include "store/kv/detail/sqlite_snapshot.h"

namespace fogbank::store::kv::detail {
namespace {

/// The index is mapped in regions of this size; it is part of the file format.
constexpr int index_region_bytes = 32768;

/// Asks the file for the mapping that SQLite itself uses. Opening the file a second time is no way: closing that would drop the process's
/// locks on it.
const volatile std::uint32_t* map_index_header(const Connection& connection) {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file == nullptr) return nullptr;
    if (file->pMethods == nullptr || file->pMethods->iVersion < 2) return nullptr;
    volatile void* region = nullptr;
    if (file->pMethods->xShmMap(file, 0, index_region_bytes, 0, &region) != SQLITE_OK) return nullptr;
    return static_cast<const volatile std::uint32_t*>(region);
}

}  // namespace

Result<Snapshot> Snapshot::prepare(const Connection& connection) {
    Snapshot snapshot;
    auto begin = Statement::prepare(connection, "BEGIN");
    if (!begin) return begin.error();
    auto commit = Statement::prepare(connection, "COMMIT");
    if (!commit) return commit.error();
    snapshot.begin_ = std::move(*begin);
    snapshot.commit_ = std::move(*commit);
    snapshot.header_ = map_index_header(connection);
    return snapshot;
}

Result<void> Snapshot::renew(const Connection& connection) {
    if (open_ && header_ != nullptr && current() == seen_) return {};
    end(connection);
    // Looked at before the transaction begins: a commit in between only makes it newer than needed, and the next read renews it once more.
    if (header_ != nullptr) seen_ = current();
    const StatementUse use(begin_);
    if (const auto begun = begin_.step(); !begun) return begun.error();
    open_ = true;
    return {};
}

void Snapshot::end(const Connection& connection) {
    open_ = false;
    if (!connection.in_transaction()) return;  // also when SQLite has ended it after an error
    const StatementUse use(commit_);
    (void)commit_.step();  // cannot fail: nothing was written
}

Snapshot::Header Snapshot::current() const {
    Header header{};
    for (std::size_t i = 0; i < header_words; ++i) header[i] = __atomic_load_n(&header_[i], __ATOMIC_ACQUIRE);
    return header;
}

}  // namespace fogbank::store::kv::detail
