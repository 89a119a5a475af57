#include "lambda/zip_archive.h"

#include <sys/stat.h>
#include <zip.h>

#include <memory>
#include <optional>

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

/// A symbolic link or device, by the Unix mode in the external attributes.
bool is_special(zip_t* archive, zip_uint64_t index) {
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(archive, index, 0, &system, &attributes) != 0 || system != ZIP_OPSYS_UNIX) return false;
    const mode_t type = static_cast<mode_t>(attributes >> 16) & S_IFMT;
    return type != 0 && type != S_IFREG && type != S_IFDIR;
}

std::string_view base_name(std::string_view name) {
    return name.substr(name.rfind('/') + 1);
}

struct Candidate {
    zip_uint64_t index = 0;
    std::size_t bytes = 0;
};

/// Looks at every entry: refuses what must be refused, and finds the object.
class Directory {
  public:
    Directory(zip_t* archive, std::string_view handler, const ZipLimits& limits) : archive_(archive), handler_(handler), limits_(limits) {}

    Result<Candidate> find() {
        const zip_int64_t entries = zip_get_num_entries(archive_, 0);
        if (entries < 0 || static_cast<zip_uint64_t>(entries) > limits_.entries_max) {
            return invalid("the package has more than " + std::to_string(limits_.entries_max) + " entries");
        }
        for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(entries); ++i) {
            if (auto good = look_at(i); !good) return good.error();
        }
        if (named_) return *named_;
        if (objects_ == 1) return only_;
        const std::string wanted = "`" + std::string(handler_) + "` or `" + std::string(handler_) + ".so`";
        if (objects_ == 0) return invalid("the package holds no shared object: neither " + wanted + " nor another .so");
        return invalid("the package holds " + std::to_string(objects_) + " shared objects and none is named " + wanted);
    }

  private:
    Result<void> look_at(zip_uint64_t index) {
        zip_stat_t entry;
        zip_stat_init(&entry);
        if (zip_stat_index(archive_, index, 0, &entry) != 0 || (entry.valid & ZIP_STAT_NAME) == 0 || (entry.valid & ZIP_STAT_SIZE) == 0) {
            return not_a_zip(zip_strerror(archive_));
        }
        const std::string_view name = entry.name;
        const std::string shown(name.substr(0, 200));
        if (!is_contained(name)) return invalid("the package's entry `" + shown + "` leaves the function's folder");
        if (is_special(archive_, index)) return invalid("the package's entry `" + shown + "` is a symbolic link or another special file");
        if ((entry.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && entry.encryption_method != ZIP_EM_NONE) {
            return invalid("the package's entry `" + shown + "` is encrypted");
        }
        if (entry.size > limits_.unpacked_bytes_max - unpacked_) {
            return invalid("Unzipped size must be smaller than " + std::to_string(limits_.unpacked_bytes_max) + " bytes");
        }
        unpacked_ += static_cast<std::size_t>(entry.size);
        const Candidate candidate{index, static_cast<std::size_t>(entry.size)};
        if (name == handler_ || name == std::string(handler_) + ".so") named_ = candidate;
        if (base_name(name).ends_with(".so")) {
            ++objects_;
            only_ = candidate;
        }
        return {};
    }

    zip_t* archive_;
    std::string_view handler_;
    const ZipLimits& limits_;
    std::size_t unpacked_ = 0;
    std::size_t objects_ = 0;
    Candidate only_;
    std::optional<Candidate> named_;
};

Result<std::string> unpack(zip_t* archive, const Candidate& object) {
    const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(archive, object.index, 0));
    if (!file) return not_a_zip(zip_strerror(archive));
    // The directory may lie about the size: read in steps, never more than it said, and ask for one byte after that. The last read checks
    // the CRC.
    constexpr std::size_t step = 64 * 1024;
    std::string bytes;
    while (true) {
        const std::size_t before = bytes.size();
        bytes.resize(before + step);
        const zip_int64_t got = zip_fread(file.get(), bytes.data() + before, step);
        if (got < 0) return not_a_zip(zip_file_strerror(file.get()));
        bytes.resize(before + static_cast<std::size_t>(got));
        if (bytes.size() > object.bytes) return not_a_zip("an entry is larger than the archive says");
        if (got == 0) break;
    }
    if (bytes.size() != object.bytes) return not_a_zip("an entry is smaller than the archive says");
    return bytes;
}

}  // namespace

Result<std::string> shared_object_from_zip(std::string_view zip, std::string_view handler, const ZipLimits& limits) {
    if (zip.size() > limits.zip_bytes_max) {
        return invalid("the package of " + std::to_string(zip.size()) + " bytes is larger than " + std::to_string(limits.zip_bytes_max));
    }
    auto archive = open(zip);
    if (!archive) return archive.error();
    auto object = Directory(archive->get(), handler, limits).find();
    if (!object) return object.error();
    return unpack(archive->get(), *object);
}

}  // namespace fogbank::lambda
