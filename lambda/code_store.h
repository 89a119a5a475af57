/// Where deployed code lies: objects as `<folder>/<function>/<sha256>.so`, packages unpacked in `<folder>/<function>/<sha256>/`. Both are
/// written once, whole, and never changed, so an object may be mapped and a package may be run from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/result.h"

namespace fogbank::lambda {

/// What changes when a file is replaced or written to. Cheap to take: one stat.
struct FileStamp {
    std::uint64_t device = 0, inode = 0, bytes = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;

    /// Errors: invalid_code when there is no such file, or it is not a regular one.
    static Result<FileStamp> of(const std::filesystem::path& file);
    /// A folder as well.
    static Result<FileStamp> of_any(const std::filesystem::path& file);
};

/// A file's bytes as they were at `stamp`. Errors: invalid_code; also when the file was written to meanwhile, or is larger than
/// unpacked_bytes_max.
Result<std::string> read_object(const std::filesystem::path& file, const FileStamp& stamp);

/// Any thread; all calls block on the disk.
class CodeStore {
  public:
    explicit CodeStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

    struct Installed {
        std::filesystem::path file;
        std::string sha256;  ///< raw
    };
    /// Keeps `object`, on the disk when it returns. Errors: unavailable.
    Result<Installed> install(const FunctionName& function, std::string_view object) const;
    std::filesystem::path path(const FunctionName& function, std::string_view sha256) const;
    /// Unpacks a package, on the disk when it returns; its folder is named after the archive's content. Errors: invalid_code, unavailable.
    Result<Installed> install_package(const FunctionName& function, std::string_view zip) const;
    std::filesystem::path package_path(const FunctionName& function, std::string_view sha256) const;
    /// Removes the function's other objects and packages; what is mapped stays mapped.
    void keep_only(const FunctionName& function, const std::vector<std::string>& sha256s) const;
    /// False if something is left.
    bool remove(const FunctionName& function) const;
    /// What somebody may still start from stays, whoever says what else is to be kept. Counted.
    void pin(const FunctionName& function, const std::string& sha256) const;
    void unpin(const FunctionName& function, const std::string& sha256) const;

  private:
    bool is_pinned(const FunctionName& function, const std::filesystem::path& file) const;
    std::filesystem::path folder_;
    mutable std::mutex mutex_;
    mutable std::multiset<std::pair<std::string, std::string>> pins_;  ///< function and content
};

}  // namespace fogbank::lambda
