/// The data folder: made private to the user, locked against a second server, and where endpoints.json lies.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/result.h"

namespace fogbank::app {

struct Endpoints;

/// Holds the lock on a data folder for as long as it lives; the kernel lets go of it when the process ends, however it ends.
class DataFolderLock {
  public:
    /// Makes the folder (mode 0700) if it is not there. Errors: CommonErrc::io_error, also when another server has it.
    static Result<DataFolderLock> take(const std::filesystem::path& folder);
    DataFolderLock(DataFolderLock&& other) noexcept;
    DataFolderLock& operator=(DataFolderLock&&) = delete;
    ~DataFolderLock();

  private:
    explicit DataFolderLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

/// Writes `folder`/endpoints.json (mode 0600, it holds the secret key) under another name first, so that a reader never sees half of it.
Result<void> write_endpoints_file(const std::filesystem::path& folder, const std::string& json);
void remove_endpoints_file(const std::filesystem::path& folder);

/// The text of endpoints.json if a live process wrote it, else nothing.
std::optional<std::string> read_live_endpoints_file(const std::filesystem::path& folder);

}  // namespace fogbank::app
