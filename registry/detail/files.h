/// Small files that must never be half there. Errors: CommonErrc::io_error, naming the file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace fogbank::registry::files {

/// Bound on what is read: keys and certificates are a few kilobytes.
inline constexpr std::size_t bytes_max = 1 << 20;

/// The contents, or nothing if there is no such file.
Result<std::optional<std::string>> read(const std::filesystem::path& file);

/// Writes `bytes` to a new file and waits until they are on the disk; an old file of that name is removed first. `mode` as in open(2).
Result<void> write_new(const std::filesystem::path& file, std::string_view bytes, unsigned mode);

Result<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
Result<void> remove_file(const std::filesystem::path& file);  ///< success also if there is none
/// Waits until the folder's entries (new names, renames) are on the disk.
Result<void> sync_folder(const std::filesystem::path& folder);

/// Two files that belong together, a private key (mode 0600) and a certificate (0644).
struct Pair {
    std::filesystem::path key, certificate;
};
struct PairText {
    std::string key, certificate;
};
/// Writes both under temporary names, then renames the key, then the certificate. A crash leaves the old state, or the key renamed and the
/// certificate's temporary file complete; `read_pair` then finishes the work.
Result<void> write_pair(const Pair& pair, const PairText& text);
/// Both contents, or nothing if neither file is there. A half pair that no crash of `write_pair` explains is an error.
Result<std::optional<PairText>> read_pair(const Pair& pair);

}  // namespace fogbank::registry::files
