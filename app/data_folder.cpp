#include "app/data_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/common_errc.h"
#include "common/json.h"

namespace fogbank::app {
namespace {

Error io_error(const std::filesystem::path& path, const std::string& what) {
    return {CommonErrc::io_error, path.string() + ": " + what + ": " + std::strerror(errno)};
}

std::filesystem::path endpoints_path(const std::filesystem::path& folder) {
    return folder / "endpoints.json";
}

}  // namespace

Result<DataFolderLock> DataFolderLock::take(const std::filesystem::path& folder) {
    std::error_code failed;
    if (!std::filesystem::exists(folder)) {
        std::filesystem::create_directories(folder, failed);
        if (failed) return Error(CommonErrc::io_error, "data folder " + folder.string() + ": " + failed.message());
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
    }
    const std::filesystem::path file = folder / "lock";
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return io_error(file, "cannot be opened");
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        const bool taken = errno == EWOULDBLOCK;
        Error error = taken ? Error(CommonErrc::io_error, "data folder " + folder.string() + " is in use by another Fogbank server")
                            : io_error(file, "cannot be locked");
        ::close(descriptor);
        return error;
    }
    return DataFolderLock(descriptor);
}

DataFolderLock::DataFolderLock(DataFolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

DataFolderLock::~DataFolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> write_endpoints_file(const std::filesystem::path& folder, const std::string& json) {
    const std::filesystem::path target = endpoints_path(folder);
    const std::filesystem::path draft = target.string() + ".new";
    const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) return io_error(draft, "cannot be written");
    const bool written = ::write(descriptor, json.data(), json.size()) == static_cast<ssize_t>(json.size());
    ::close(descriptor);
    if (!written) return io_error(draft, "cannot be written");
    if (::rename(draft.c_str(), target.c_str()) != 0) return io_error(target, "cannot be renamed into place");
    return {};
}

void remove_endpoints_file(const std::filesystem::path& folder) {
    std::error_code ignored;
    std::filesystem::remove(endpoints_path(folder), ignored);
}

std::optional<std::string> read_live_endpoints_file(const std::filesystem::path& folder) {
    std::ifstream file(endpoints_path(folder));
    if (!file) return std::nullopt;
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto json = parse_json(text);
    if (!json || !json->is_object() || !json->contains("pid") || !(*json)["pid"].is_number_integer()) return std::nullopt;
    if (::kill((*json)["pid"].get<pid_t>(), 0) != 0 && errno != EPERM) return std::nullopt;
    return text;
}

}  // namespace fogbank::app
