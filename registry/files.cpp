#include "registry/detail/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/common_errc.h"

namespace fogbank::registry::files {
namespace {

Error io_error(std::string_view what, const std::filesystem::path& file) {
    const int reason = errno;
    return {CommonErrc::io_error, std::string(what) + " `" + file.string() + "`: " + std::strerror(reason)};
}

/// Closes on every way out.
class Descriptor {
  public:
    explicit Descriptor(int value) : value_(value) {}
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return value_; }

  private:
    int value_;
};

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::filesystem::path temporary(const std::filesystem::path& file) {
    return file.string() + ".new";
}

}  // namespace

Result<std::optional<std::string>> read(const std::filesystem::path& file) {
    const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (in.get() < 0 && errno == ENOENT) return std::optional<std::string>();
    if (in.get() < 0) return io_error("cannot open", file);
    std::string out;
    std::array<char, 8192> buffer{};
    for (;;) {
        const ssize_t size = ::read(in.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return io_error("cannot read", file);
        if (size == 0) return std::optional<std::string>(std::move(out));
        out.append(buffer.data(), static_cast<std::size_t>(size));
        if (out.size() > bytes_max) return Error(CommonErrc::io_error, "`" + file.string() + "` is too large");
    }
}

Result<void> write_new(const std::filesystem::path& file, std::string_view bytes, unsigned mode) {
    if (auto done = remove_file(file); !done) return done;
    const Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    // fchmod as well, because open's mode is cut by the umask and the certificate is to be readable.
    if (out.get() < 0 || ::fchmod(out.get(), mode) != 0) return io_error("cannot create", file);
    if (!write_all(out.get(), bytes) || ::fsync(out.get()) != 0) return io_error("cannot write", file);
    return {};
}

Result<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error("cannot rename to", to);
    return {};
}

Result<void> remove_file(const std::filesystem::path& file) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return io_error("cannot remove", file);
    return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const Descriptor in(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (in.get() < 0 || ::fsync(in.get()) != 0) return io_error("cannot sync", folder);
    return {};
}

Result<void> write_pair(const Pair& pair, const PairText& text) {
    const auto folder = pair.key.parent_path();
    if (auto done = write_new(temporary(pair.key), text.key, 0600); !done) return done;
    if (auto done = write_new(temporary(pair.certificate), text.certificate, 0644); !done) return done;
    if (auto done = sync_folder(folder); !done) return done;
    if (auto done = rename_file(temporary(pair.key), pair.key); !done) return done;
    if (auto done = rename_file(temporary(pair.certificate), pair.certificate); !done) return done;
    return sync_folder(folder);
}

Result<std::optional<PairText>> read_pair(const Pair& pair) {
    auto key = read(pair.key);
    if (!key) return key.error();
    auto certificate = read(pair.certificate);
    if (!certificate) return certificate.error();
    if (!*key && !*certificate) return std::optional<PairText>();
    if (!*key)
        return Error(CommonErrc::io_error, "`" + pair.key.string() + "` is missing but `" + pair.certificate.string() + "` is there");
    if (!*certificate) {
        auto waiting = read(temporary(pair.certificate));
        if (!waiting) return waiting.error();
        if (!*waiting)
            return Error(CommonErrc::io_error, "`" + pair.certificate.string() + "` is missing but `" + pair.key.string() + "` is there");
        if (auto done = rename_file(temporary(pair.certificate), pair.certificate); !done) return done.error();
        if (auto done = sync_folder(pair.certificate.parent_path()); !done) return done.error();
        certificate = std::move(waiting);
    }
    return std::optional<PairText>(PairText{std::move(**key), std::move(**certificate)});
}

}  // namespace fogbank::registry::files
