#include "store/kv/detail/sqlite_log_vfs.h"

#include <cstddef>
#include <cstdint>
#include <new>

#include "store/kv/errc.h"

namespace fogbank::store::kv::detail {
namespace {

/// What is gathered at most, some thirty pages; a larger commit is several writes. SQLite's own file system takes up to 128 KiB less one
/// byte at a time (it keeps 17 bits of the count).
constexpr std::size_t gathered_bytes_max = 124 * 1024;

/// A log as SQLite sees it; the default file system's file lies behind it in the same block.
struct LogFile : sqlite3_file {
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(this) + size()); }
    static constexpr std::size_t size() { return (sizeof(LogFile) + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1); }

    std::string gathered;
    sqlite3_int64 begin = 0;  ///< where in the file `gathered` belongs
    /// On a disk that may tear what stands beside a write SQLite pads a commit after its sync: that would stay here.
    bool gathers = false;
};

LogFile& log_of(sqlite3_file* file) {
    return *static_cast<LogFile*>(file);
}

/// What could not be written is forgotten: SQLite is told, and the writer rolls back whatever the failure met. Kept, a commit that was
/// reported as failed could reach the disk after all.
int write_gathered(LogFile& log) {
    if (log.gathered.empty()) return SQLITE_OK;
    sqlite3_file* const real = log.real();
    const int done = real->pMethods->xWrite(real, log.gathered.data(), static_cast<int>(log.gathered.size()), log.begin);
    log.gathered.clear();
    return done;
}

int close_log(sqlite3_file* file) {
    LogFile& log = log_of(file);
    static_cast<void>(write_gathered(log));  // of a commit there is nothing left to write
    sqlite3_file* const real = log.real();
    const int done = real->pMethods->xClose(real);
    log.~LogFile();
    return done;
}

int write_log(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    LogFile& log = log_of(file);
    const auto size = static_cast<std::size_t>(count);
    const bool goes_on = offset == log.begin + static_cast<sqlite3_int64>(log.gathered.size());
    if (!goes_on || log.gathered.size() + size > gathered_bytes_max) {
        if (const int done = write_gathered(log); done != SQLITE_OK) return done;
    }
    if (!log.gathers || size > gathered_bytes_max) return log.real()->pMethods->xWrite(log.real(), bytes, count, offset);
    if (log.gathered.empty()) log.begin = offset;
    log.gathered.append(static_cast<const char*>(bytes), size);
    return SQLITE_OK;
}

/// The real file's method, for what does not look at the bytes.
template <auto Method, class... Arguments>
int pass_on(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* const real = log_of(file).real();
    return (real->pMethods->*Method)(real, arguments...);
}

/// The real file's method, for what must find the bytes in the file.
template <auto Method, class... Arguments>
int write_and_pass_on(sqlite3_file* file, Arguments... arguments) {
    if (const int done = write_gathered(log_of(file)); done != SQLITE_OK) return done;
    return pass_on<Method>(file, arguments...);
}

// SQLite locks the database's file, never the log's.
int lock_log(sqlite3_file*, int) {
    return SQLITE_OK;
}

int is_reserved(sqlite3_file*, int* reserved) {
    *reserved = 0;
    return SQLITE_OK;
}

constexpr sqlite3_io_methods log_methods = [] {
    sqlite3_io_methods methods{};
    methods.iVersion = 1;
    methods.xClose = close_log;
    methods.xRead = write_and_pass_on<&sqlite3_io_methods::xRead>;
    methods.xWrite = write_log;
    methods.xTruncate = write_and_pass_on<&sqlite3_io_methods::xTruncate>;
    methods.xSync = write_and_pass_on<&sqlite3_io_methods::xSync>;
    methods.xFileSize = write_and_pass_on<&sqlite3_io_methods::xFileSize>;
    methods.xLock = lock_log;
    methods.xUnlock = lock_log;
    methods.xCheckReservedLock = is_reserved;
    methods.xFileControl = pass_on<&sqlite3_io_methods::xFileControl>;
    methods.xSectorSize = pass_on<&sqlite3_io_methods::xSectorSize>;
    methods.xDeviceCharacteristics = pass_on<&sqlite3_io_methods::xDeviceCharacteristics>;
    return methods;
}();

int open_file(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    sqlite3_vfs* const base = static_cast<LogVfs::Table*>(vfs)->base;
    if ((flags & SQLITE_OPEN_WAL) == 0) return base->xOpen(base, name, file, flags, out_flags);
    file->pMethods = nullptr;  // until it is ours SQLite has nothing to close
    auto* const real = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + LogFile::size());
    real->pMethods = nullptr;
    int done = base->xOpen(base, name, real, flags, out_flags);
    if (done == SQLITE_OK) {
        auto* const log = new (file) LogFile();
        try {
            log->gathered.reserve(gathered_bytes_max);
            log->gathers = (real->pMethods->xDeviceCharacteristics(real) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
            log->pMethods = &log_methods;
            return SQLITE_OK;
        } catch (const std::bad_alloc&) {
            log->~LogFile();
            file->pMethods = nullptr;
            done = SQLITE_NOMEM;
        }
    }
    if (real->pMethods != nullptr) real->pMethods->xClose(real);
    return done;
}

}  // namespace

Result<std::unique_ptr<LogVfs>> LogVfs::create() {
    sqlite3_vfs* const base = sqlite3_vfs_find(nullptr);
    if (base == nullptr) return Error{Errc::unavailable, "SQLite has no file system"};
    std::unique_ptr<LogVfs> made(new LogVfs(*base));
    if (sqlite3_vfs_register(&made->table_, 0) != SQLITE_OK) return Error{Errc::unavailable, "SQLite takes no file system"};
    return made;
}

LogVfs::LogVfs(sqlite3_vfs& base) : name_("fogbank-log-" + std::to_string(reinterpret_cast<std::uintptr_t>(this))) {
    static_cast<sqlite3_vfs&>(table_) = base;
    table_.base = &base;
    table_.pNext = nullptr;
    table_.zName = name_.c_str();
    table_.szOsFile = base.szOsFile + static_cast<int>(LogFile::size());
    table_.xOpen = open_file;
}

LogVfs::~LogVfs() {
    sqlite3_vfs_unregister(&table_);
}

}  // namespace fogbank::store::kv::detail
