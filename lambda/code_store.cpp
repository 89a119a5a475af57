#include "lambda/code_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "common/encoding.h"
#include "lambda/errc.h"
#include "lambda/limits.h"
#include "lambda/zip_archive.h"

namespace fogbank::lambda {
namespace {

namespace fs = std::filesystem;

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }

  private:
    int number_;
};

std::string last_error() {
    return std::generic_category().message(errno);
}
std::string quoted(const fs::path& file) {
    return "`" + file.string() + "`";
}
Error invalid(const fs::path& file, const std::string& why) {
    return {Errc::invalid_code, quoted(file) + ": " + why};
}
Error unavailable(const fs::path& file, const std::string& why) {
    return {Errc::unavailable, quoted(file) + ": " + why};
}

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_of(const struct stat& info) {
    return {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino), static_cast<std::uint64_t>(info.st_size),
            nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

Result<void> write_all(int descriptor, const fs::path& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return unavailable(file, last_error());
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(descriptor) != 0) return unavailable(file, last_error());
    return {};
}

Result<void> sync_folder(const fs::path& folder) {
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || ::fsync(opened.number()) != 0) return unavailable(folder, last_error());
    return {};
}

/// Writes beside, then renames, so that a crash leaves the whole file or none.
Result<void> write_new(const fs::path& file, std::string_view bytes) {
    std::string beside = file.string() + ".XXXXXX";
    const Descriptor opened(::mkostemp(beside.data(), O_CLOEXEC));
    if (!opened) return unavailable(file, last_error());
    auto written = write_all(opened.number(), beside, bytes);
    if (written && ::rename(beside.c_str(), file.c_str()) != 0) written = unavailable(file, last_error());
    if (!written) {
        ::unlink(beside.c_str());
        return written;
    }
    return sync_folder(file.parent_path());
}

}  // namespace

Result<FileStamp> FileStamp::of(const fs::path& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return invalid(file, last_error());
    if (!S_ISREG(info.st_mode)) return invalid(file, "not a regular file");
    return stamp_of(info);
}

Result<FileStamp> FileStamp::of_any(const fs::path& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return invalid(file, last_error());
    return stamp_of(info);
}

Result<std::string> read_object(const fs::path& file, const FileStamp& stamp) {
    if (stamp.bytes > unpacked_bytes_max) return invalid(file, "larger than " + std::to_string(unpacked_bytes_max) + " bytes");
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!opened) return invalid(file, last_error());
    std::string bytes(static_cast<std::size_t>(stamp.bytes), '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t got = ::read(opened.number(), bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return invalid(file, last_error());
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    struct stat info {};
    if (::fstat(opened.number(), &info) != 0 || have != bytes.size() || stamp_of(info) != stamp) {
        return invalid(file, "was written to while it was read");
    }
    return bytes;
}

fs::path CodeStore::path(const FunctionName& function, std::string_view sha256) const {
    return folder_ / function.str() / (hex_encode(sha256) + ".so");
}

Result<CodeStore::Installed> CodeStore::install(const FunctionName& function, std::string_view object) const {
    Installed installed{{}, sha256(object)};
    installed.file = path(function, installed.sha256);
    std::error_code failed;
    fs::create_directories(installed.file.parent_path(), failed);
    if (failed) return unavailable(installed.file.parent_path(), failed.message());
    // What is there has this content: files appear whole and are named after it.
    if (fs::exists(installed.file, failed)) return installed;
    if (auto written = write_new(installed.file, object); !written) return written.error();
    if (auto synced = sync_folder(folder_); !synced) return synced.error();
    return installed;
}

fs::path CodeStore::package_path(const FunctionName& function, std::string_view sha256) const {
    return folder_ / function.str() / hex_encode(sha256);
}

Result<CodeStore::Installed> CodeStore::install_package(const FunctionName& function, std::string_view zip) const {
    Installed installed{{}, sha256(zip)};
    installed.file = package_path(function, installed.sha256);
    std::error_code failed;
    fs::create_directories(installed.file.parent_path(), failed);
    if (failed) return unavailable(installed.file.parent_path(), failed.message());
    // What is there is whole: packages are unpacked beside, then renamed.
    if (fs::exists(installed.file, failed)) return installed;
    std::string beside = installed.file.string() + ".XXXXXX";
    if (::mkdtemp(beside.data()) == nullptr) return unavailable(installed.file, last_error());
    const fs::path unpacked = fs::path(beside) / "package";
    auto done = unpack_package(zip, unpacked);
    if (done) {
        // One call for all its files: a package may have thousands.
        const Descriptor opened(::open(unpacked.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened || ::syncfs(opened.number()) != 0 || ::rename(unpacked.c_str(), installed.file.c_str()) != 0)
            done = unavailable(installed.file, last_error());
    }
    fs::remove_all(beside, failed);
    if (!done) return done.error();
    if (auto synced = sync_folder(installed.file.parent_path()); !synced) return synced.error();
    if (auto synced = sync_folder(folder_); !synced) return synced.error();
    return installed;
}

void CodeStore::keep_only(const FunctionName& function, const std::vector<std::string>& sha256s) const {
    const auto is_kept = [&](const fs::path& file) {
        return std::any_of(sha256s.begin(), sha256s.end(), [&](const std::string& sha256) {
            return path(function, sha256) == file || package_path(function, sha256) == file;
        });
    };
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder_ / function.str(), ignored)) {
        if (!is_kept(entry.path()) && !is_pinned(function, entry.path())) fs::remove_all(entry.path(), ignored);
    }
}

bool CodeStore::remove(const FunctionName& function) const {
    std::error_code failed;
    fs::remove_all(folder_ / function.str(), failed);
    const std::lock_guard lock(mutex_);
    std::erase_if(pins_, [&](const auto& pin) { return pin.first == function.str(); });
    return !failed;
}

void CodeStore::pin(const FunctionName& function, const std::string& sha256) const {
    const std::lock_guard lock(mutex_);
    pins_.emplace(function.str(), sha256);
}

void CodeStore::unpin(const FunctionName& function, const std::string& sha256) const {
    const std::lock_guard lock(mutex_);
    const auto found = pins_.find({function.str(), sha256});
    if (found != pins_.end()) pins_.erase(found);
}

bool CodeStore::is_pinned(const FunctionName& function, const fs::path& file) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(pins_.begin(), pins_.end(), [&](const auto& pin) {
        return pin.first == function.str() && (path(function, pin.second) == file || package_path(function, pin.second) == file);
    });
}

}  // namespace fogbank::lambda
