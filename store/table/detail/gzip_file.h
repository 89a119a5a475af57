/// Files of exports and imports: written gzipped with their checksum, read in pieces. Blocking; one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"

namespace fogbank::store::table {

/// MD5 of bytes, 16 raw bytes: what S3's checksums and AWS's manifests are.
std::string md5(std::string_view bytes);

/// Makes the file with this content and has it on the disk. Errors: unavailable.
Result<void> write_whole_file(const std::filesystem::path& path, std::string_view content);

/// A new file that is compressed as it is written.
class GzipWriter {
  public:
    GzipWriter();
    ~GzipWriter();
    GzipWriter(GzipWriter&&) noexcept;
    GzipWriter& operator=(GzipWriter&&) noexcept;

    /// Errors of all: unavailable.
    Result<void> open(const std::filesystem::path& path);
    Result<void> write(std::string_view bytes);
    /// Ends the file and has it on the disk. @return the MD5 of its compressed bytes, raw.
    Result<std::string> finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Reads a file from its beginning to its end, inflating it if it `is_gzip` (several members one after the other are one text).
class PieceReader {
  public:
    PieceReader();
    ~PieceReader();

    /// Does not follow a symbolic link. Errors: unavailable.
    Result<void> open(const std::filesystem::path& path, bool is_gzip);
    /// The next piece, at most 64 KiB, valid until the next call; empty: the end. Errors: unavailable; validation: no well-formed gzip.
    Result<std::string_view> next();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fogbank::store::table
