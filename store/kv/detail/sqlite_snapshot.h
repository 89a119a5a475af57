/// A read transaction that is kept open from read to read for as long as nobody commits.
#pragma once

#include <array>
#include <cstdint>

#include "store/kv/detail/sqlite_connection.h"

namespace fogbank::store::kv::detail {

/// Beginning and ending a read transaction costs two file locks and a look at the log, more than a small read itself. An open one is still
/// the newest state as long as the header of the shared log index (SQLite, "WAL-mode file format", section 2.1: it changes with each commit
/// of any process) is what it was before the transaction began.
///
/// An open snapshot keeps the log from being copied back: who copies it must `end` the idle ones first. One thread at a time.
class Snapshot {
  public:
    /// The connection must have read something already (so that it has the log index mapped) and outlive the snapshot.
    static Result<Snapshot> prepare(const Connection& connection);

    /// After it, reads on the connection see everything that was committed when it was called, until `end`. Errors: unavailable, corrupt.
    Result<void> renew(const Connection& connection);
    void end(const Connection& connection);

  private:
    /// The first copy of the index header, in 32-bit words.
    static constexpr std::size_t header_words = 12;
    using Header = std::array<std::uint32_t, header_words>;

    Header current() const;

    Statement begin_, commit_;
    const volatile std::uint32_t* header_ = nullptr;  ///< null if the file system shows none: then no snapshot is kept
    Header seen_{};
    bool open_ = false;
};

}  // namespace fogbank::store::kv::detail
