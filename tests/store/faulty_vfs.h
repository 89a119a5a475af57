/// A disk that fails on demand, below SQLite: the default VFS with its file methods wrapped.
#pragma once

#include <sqlite3.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <stdexcept>

namespace fogbank::testing {

/// While one exists, files that SQLite opens go through it. One at a time; open the engine after it, destroy the engine before it.
class FaultyDisk {
  public:
    FaultyDisk() {
        sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
        if (base == nullptr || state().base != nullptr) throw std::logic_error("one faulty disk at a time");
        state().base = base;
        vfs_ = *base;
        vfs_.zName = "fogbank-faulty";
        vfs_.xOpen = &FaultyDisk::open;
        sqlite3_vfs_register(&vfs_, 1);
    }
    ~FaultyDisk() {
        sqlite3_vfs_unregister(&vfs_);
        sqlite3_vfs_register(state().base, 1);
        state().base = nullptr;
        writes_fail_with(SQLITE_OK);
        syncs_fail_with(SQLITE_OK);
        reads_fail_with(SQLITE_OK);
    }
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;

    /// SQLITE_OK: they work again.
    void writes_fail_with(int code) { state().write_code = code; }
    void syncs_fail_with(int code) { state().sync_code = code; }
    void reads_fail_with(int code) { state().read_code = code; }
    int syncs() const { return state().syncs; }
    int writes() const { return state().writes; }

  private:
    /// A table of file methods and its copy with ours in it. SQLite has one for the database (which it locks) and one for the log (which it
    /// does not).
    struct Methods {
        const sqlite3_io_methods* real = nullptr;
        sqlite3_io_methods wrapped{};
    };
    /// SQLite's callbacks have no room for a pointer of ours.
    struct State {
        sqlite3_vfs* base = nullptr;
        std::mutex mutex;  ///< while a table is added
        std::array<Methods, 4> methods;
        std::atomic<int> write_code{SQLITE_OK}, sync_code{SQLITE_OK}, read_code{SQLITE_OK}, syncs{0}, writes{0};
    };
    static State& state() {
        static State instance;
        return instance;
    }

    static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
        State& s = state();
        const int done = s.base->xOpen(s.base, name, file, flags, out_flags);
        if (done != SQLITE_OK || file->pMethods == nullptr) return done;
        const std::scoped_lock lock(s.mutex);
        for (auto& methods : s.methods) {
            if (methods.real == nullptr) {
                methods.wrapped = *file->pMethods;
                methods.wrapped.xWrite = &FaultyDisk::write;
                methods.wrapped.xSync = &FaultyDisk::sync;
                methods.wrapped.xRead = &FaultyDisk::read;
                methods.real = file->pMethods;
            }
            if (methods.real != file->pMethods) continue;
            file->pMethods = &methods.wrapped;
            return done;
        }
        return done;
    }
    static const sqlite3_io_methods& real(const sqlite3_file* file) {
        for (const auto& methods : state().methods) {
            if (file->pMethods == &methods.wrapped) return *methods.real;
        }
        std::abort();  // only files that `open` has wrapped come here
    }
    static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
        ++state().writes;
        const int code = state().write_code;
        return code != SQLITE_OK ? code : real(file).xWrite(file, bytes, count, offset);
    }
    static int sync(sqlite3_file* file, int flags) {
        ++state().syncs;
        const int code = state().sync_code;
        return code != SQLITE_OK ? code : real(file).xSync(file, flags);
    }
    static int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
        const int code = state().read_code;
        return code != SQLITE_OK ? code : real(file).xRead(file, bytes, count, offset);
    }

    sqlite3_vfs vfs_{};
};

}  // namespace fogbank::testing
