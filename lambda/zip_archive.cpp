#include "lambda/zip_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "lambda/errc.h"

namespace fogbank::lambda {
namespace {

Error invalid(std::string why) {
    return {Errc::invalid_code, std::move(why)};
}
/// AWS's wording, with the reason that AWS keeps to itself.
Error not_a_zip(const std::string& why) {
    return invalid("Could not unzip uploaded file. Please check your file, then try to upload again. (" + why + ")");
}

struct CloseArchive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseFile {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;

Result<Archive> open(std::string_view zip) {
    zip_error_t error;
    zip_error_init(&error);
    const auto failure = [&error] {
        Error out = not_a_zip(zip_error_strerror(&error));
        zip_error_fini(&error);
        return out;
    };
    zip_source_t* source = zip_source_buffer_create(zip.data(), zip.size(), 0, &error);
    if (source == nullptr) return failure();
    zip_t* archive = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (archive == nullptr) {
        zip_source_free(source);
        return failure();
    }
    zip_error_fini(&error);
    return Archive(archive);
}

/// A relative path that stays inside its folder.
bool is_contained(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos) return false;
    if (name.size() > 1 && name[1] == ':') return false;
    while (!name.empty()) {
        const std::size_t slash = name.find('/');
        if (name.substr(0, slash) == "..") return false;
        name = slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
    }
    return true;
}

/// The Unix mode in the external attributes, 0 if the archive was not made on Unix.
mode_t mode_of(zip_t* archive, zip_uint64_t index) {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(archive, index, 0, &system, &attributes) != 0 || system != ZIP_OPSYS_UNIX) return 0;
    return static_cast<mode_t>(attributes >> 16);
}

/// A symbolic link or device.
bool is_special(mode_t mode) {
    const mode_t type = mode & S_IFMT;
    return type != 0 && type != S_IFREG && type != S_IFDIR;
}

std::string_view base_name(std::string_view name) {
    return name.substr(name.rfind('/') + 1);
}

struct Entry {
    zip_uint64_t index = 0;
    std::size_t bytes = 0;
    std::string_view name;  ///< the archive's
    bool folder = false, executable = false;
};

/// All entries. Refuses the archive if one of them must be refused.
class Directory {
  public:
    Directory(zip_t* archive, const ZipLimits& limits) : archive_(archive), limits_(limits) {}

    Result<std::vector<Entry>> entries() {
        const zip_int64_t count = zip_get_num_entries(archive_, 0);
        if (count < 0 || static_cast<zip_uint64_t>(count) > limits_.entries_max) {
            return invalid("the package has more than " + std::to_string(limits_.entries_max) + " entries");
        }
        std::vector<Entry> all;
        for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
            auto entry = look_at(i);
            if (!entry) return entry.error();
            all.push_back(*entry);
        }
        return all;
    }

  private:
    Result<Entry> look_at(zip_uint64_t index) {
        zip_stat_t entry;
        zip_stat_init(&entry);
        if (zip_stat_index(archive_, index, 0, &entry) != 0 || (entry.valid & ZIP_STAT_NAME) == 0 || (entry.valid & ZIP_STAT_SIZE) == 0) {
            return not_a_zip(zip_strerror(archive_));
        }
        const std::string_view name = entry.name;
        const std::string shown(name.substr(0, 200));
        if (!is_contained(name)) return invalid("the package's entry `" + shown + "` leaves the function's folder");
        const mode_t mode = mode_of(archive_, index);
        if (is_special(mode)) return invalid("the package's entry `" + shown + "` is a symbolic link or another special file");
        if ((entry.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && entry.encryption_method != ZIP_EM_NONE) {
            return invalid("the package's entry `" + shown + "` is encrypted");
        }
        if (entry.size > limits_.unpacked_bytes_max - unpacked_) {
            return invalid("Unzipped size must be smaller than " + std::to_string(limits_.unpacked_bytes_max) + " bytes");
        }
        unpacked_ += static_cast<std::size_t>(entry.size);
        return Entry{index, static_cast<std::size_t>(entry.size), name, name.back() == '/', (mode & S_IXUSR) != 0};
    }

    zip_t* archive_;
    const ZipLimits& limits_;
    std::size_t unpacked_ = 0;
};

/// The shared object that the handler names, or the only one.
Result<Entry> find_object(const std::vector<Entry>& entries, const std::string& handler) {
    std::size_t objects = 0;
    Entry only;
    for (const Entry& entry : entries) {
        if (entry.name == handler || entry.name == handler + ".so") return entry;
        if (!base_name(entry.name).ends_with(".so")) continue;
        ++objects;
        only = entry;
    }
    if (objects == 1) return only;
    const std::string wanted = "`" + handler + "` or `" + handler + ".so`";
    if (objects == 0) return invalid("the package holds no shared object: neither " + wanted + " nor another .so");
    return invalid("the package holds " + std::to_string(objects) + " shared objects and none is named " + wanted);
}

/// Passes the entry's bytes to `sink`, step by step.
template <class Sink>
Result<void> unpack(zip_t* archive, const Entry& entry, Sink sink) {
    const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(archive, entry.index, 0));
    if (!file) return not_a_zip(zip_strerror(archive));
    // The directory may lie about the size: never more than it said, and one byte is asked for after that. The last read checks the CRC.
    std::vector<char> step(64 * 1024);
    std::size_t have = 0;
    while (true) {
        const zip_int64_t got = zip_fread(file.get(), step.data(), step.size());
        if (got < 0) return not_a_zip(zip_file_strerror(file.get()));
        have += static_cast<std::size_t>(got);
        if (have > entry.bytes) return not_a_zip("an entry is larger than the archive says");
        if (got == 0) break;
        if (auto taken = sink(std::string_view(step.data(), static_cast<std::size_t>(got))); !taken) return taken;
    }
    if (have != entry.bytes) return not_a_zip("an entry is smaller than the archive says");
    return {};
}

Error disk_error(const std::filesystem::path& file, const std::string& why) {
    return {Errc::unavailable, "`" + file.string() + "`: " + why};
}

/// Writes one entry below `folder`, which nobody else writes to.
Result<void> unpack_entry(zip_t* archive, const Entry& entry, const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / entry.name;
    std::error_code failed;
    std::filesystem::create_directories(entry.folder ? file : file.parent_path(), failed);
    if (failed) return not_a_zip("an entry is a file and a folder at once, or the disk refuses it: " + failed.message());
    if (entry.folder) return {};
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.executable ? 0755 : 0644);
    if (descriptor < 0) {
        const std::string why = std::generic_category().message(errno);
        if (errno == EEXIST || errno == EISDIR) return not_a_zip("an entry is there twice");
        return disk_error(file, why);
    }
    auto written = unpack(archive, entry, [&](std::string_view bytes) -> Result<void> {
        while (!bytes.empty()) {
            const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return disk_error(file, std::generic_category().message(errno));
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return {};
    });
    ::close(descriptor);
    return written;
}

Result<std::vector<Entry>> checked_entries(std::string_view zip, const ZipLimits& limits, Archive& archive) {
    if (zip.size() > limits.zip_bytes_max) {
        return invalid("the package of " + std::to_string(zip.size()) + " bytes is larger than " + std::to_string(limits.zip_bytes_max));
    }
    auto opened = open(zip);
    if (!opened) return opened.error();
    archive = std::move(*opened);
    return Directory(archive.get(), limits).entries();
}

}  // namespace

Result<std::string> shared_object_from_zip(std::string_view zip, std::string_view handler, const ZipLimits& limits) {
    Archive archive;
    const auto entries = checked_entries(zip, limits, archive);
    if (!entries) return entries.error();
    const auto object = find_object(*entries, std::string(handler));
    if (!object) return object.error();
    std::string bytes;
    const auto unpacked = unpack(archive.get(), *object, [&bytes](std::string_view part) -> Result<void> {
        bytes += part;
        return {};
    });
    if (!unpacked) return unpacked.error();
    return bytes;
}

Result<void> unpack_package(std::string_view zip, const std::filesystem::path& folder, const ZipLimits& limits) {
    Archive archive;
    const auto entries = checked_entries(zip, limits, archive);
    if (!entries) return entries.error();
    std::error_code failed;
    if (!std::filesystem::create_directory(folder, failed)) return disk_error(folder, failed ? failed.message() : "is there already");
    for (const Entry& entry : *entries) {
        if (auto written = unpack_entry(archive.get(), entry, folder); !written) {
            std::filesystem::remove_all(folder, failed);
            return written;
        }
    }
    return {};
}

}  // namespace fogbank::lambda
