#include "store/table/detail/gzip_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "store/table/detail/errors.h"

namespace fogbank::store::table {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr int gzip_window_bits = 15 + 16;

Error failed(const std::filesystem::path& path, int code) {
    return {Errc::unavailable, "`" + path.string() + "`: " + std::generic_category().message(code)};
}

/// A descriptor that closes itself.
class File {
  public:
    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { close(); }

    Result<void> open(const std::filesystem::path& path, int flags) {
        close();
        path_ = path;
        descriptor_ = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (descriptor_ < 0) return failed(path_, errno);
        return {};
    }
    Result<void> write(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return failed(path_, errno);
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return {};
    }
    Result<std::size_t> read(char* out, std::size_t most) {
        for (;;) {
            const auto got = ::read(descriptor_, out, most);
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) return failed(path_, errno);
        }
    }
    Result<void> sync_and_close() {
        if (::fsync(descriptor_) != 0) return failed(path_, errno);
        close();
        return {};
    }
    const std::filesystem::path& path() const { return path_; }

  private:
    void close() {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }
    std::filesystem::path path_;
    int descriptor_ = -1;
};

class Md5 {
  public:
    Md5() { EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr); }
    void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
    std::string finish() {
        std::string out(EVP_MAX_MD_SIZE, '\0');
        unsigned length = 0;
        EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &length);
        out.resize(length);
        return out;
    }

  private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
};

Bytef* bytes_of(const char* text) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(text));  // NOLINT: zlib only reads its input
}

}  // namespace

std::string md5(std::string_view bytes) {
    Md5 sum;
    sum.add(bytes);
    return sum.finish();
}

Result<void> write_whole_file(const std::filesystem::path& path, std::string_view content) {
    File file;
    if (auto opened = file.open(path, O_WRONLY | O_CREAT | O_TRUNC); !opened) return opened;
    if (auto written = file.write(content); !written) return written;
    return file.sync_and_close();
}

struct GzipWriter::State {
    File file;
    Md5 sum;
    z_stream stream{};
    bool begun = false;
    std::array<char, piece_bytes> out{};

    ~State() {
        if (begun) deflateEnd(&stream);
    }
    Result<void> run(std::string_view bytes, int flush) {
        stream.next_in = bytes_of(bytes.data());
        stream.avail_in = static_cast<uInt>(bytes.size());
        for (;;) {
            stream.next_out = bytes_of(out.data());
            stream.avail_out = static_cast<uInt>(out.size());
            const int code = deflate(&stream, flush);
            const std::string_view made(out.data(), out.size() - stream.avail_out);
            sum.add(made);
            if (auto written = file.write(made); !written) return written;
            if (flush == Z_FINISH ? code == Z_STREAM_END : stream.avail_out != 0) return {};
            if (code != Z_OK && code != Z_BUF_ERROR) return Error(Errc::unavailable, "compression failed");
        }
    }
};

GzipWriter::GzipWriter() = default;
GzipWriter::~GzipWriter() = default;
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter& GzipWriter::operator=(GzipWriter&&) noexcept = default;

Result<void> GzipWriter::open(const std::filesystem::path& path) {
    state_ = std::make_unique<State>();
    if (auto opened = state_->file.open(path, O_WRONLY | O_CREAT | O_TRUNC); !opened) return opened;
    state_->begun = deflateInit2(&state_->stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (!state_->begun) return Error(Errc::unavailable, "no memory for compression");
    return {};
}

Result<void> GzipWriter::write(std::string_view bytes) {
    if (bytes.empty()) return {};
    return state_->run(bytes, Z_NO_FLUSH);
}

Result<std::string> GzipWriter::finish() {
    if (auto done = state_->run({}, Z_FINISH); !done) return done.error();
    if (auto synced = state_->file.sync_and_close(); !synced) return synced.error();
    return state_->sum.finish();
}

struct PieceReader::State {
    File file;
    z_stream stream{};
    bool is_gzip = false, begun = false, inside = false, at_end = false;
    std::array<char, piece_bytes> in{}, out{};

    ~State() {
        if (begun) inflateEnd(&stream);
    }
    Result<void> fill() {
        auto got = file.read(in.data(), in.size());
        if (!got) return got.error();
        stream.next_in = bytes_of(in.data());
        stream.avail_in = static_cast<uInt>(*got);
        at_end = *got == 0;
        return {};
    }
    Error broken() const { return validation("`" + file.path().string() + "` is not well-formed gzip"); }

    Result<std::string_view> inflate_piece() {
        stream.next_out = bytes_of(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        while (stream.avail_out == out.size()) {
            if (stream.avail_in == 0) {
                if (auto filled = fill(); !filled) return filled.error();
            }
            if (at_end && inside) return broken();
            if (at_end) return std::string_view();
            if (!inside && inflateReset(&stream) != Z_OK) return broken();
            inside = true;
            const int code = inflate(&stream, Z_NO_FLUSH);
            if (code == Z_STREAM_END) {
                inside = false;  // another member may follow
            } else if (code != Z_OK && code != Z_BUF_ERROR) {
                return broken();
            }
        }
        return std::string_view(out.data(), out.size() - stream.avail_out);
    }
};

PieceReader::PieceReader() = default;
PieceReader::~PieceReader() = default;

Result<void> PieceReader::open(const std::filesystem::path& path, bool is_gzip) {
    state_ = std::make_unique<State>();
    state_->is_gzip = is_gzip;
    // Not blocking: a named pipe in the folder must not hold the thread up.
    if (auto opened = state_->file.open(path, O_RDONLY | O_NONBLOCK); !opened) return opened;
    if (!is_gzip) return {};
    state_->begun = inflateInit2(&state_->stream, gzip_window_bits) == Z_OK;
    if (!state_->begun) return Error(Errc::unavailable, "no memory for decompression");
    return {};
}

Result<std::string_view> PieceReader::next() {
    if (state_->is_gzip) return state_->inflate_piece();
    auto got = state_->file.read(state_->in.data(), state_->in.size());
    if (!got) return got.error();
    return std::string_view(state_->in.data(), *got);
}

}  // namespace fogbank::store::table
