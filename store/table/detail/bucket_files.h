/// Buckets that are folders: names to paths, without a way out of the folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace fogbank::store::table {

/// Blocking calls; any thread.
class Buckets {
  public:
    /// @param folder  what the buckets are folders of; empty: there are none.
    explicit Buckets(std::filesystem::path folder) : folder_(std::move(folder)) {}
    bool are_there() const { return !folder_.empty(); }

    /// S3's rules for the name, and that the prefix is a path below a folder: no empty parts but at its end, no `.` and `..`, no control
    /// characters, at most 1,024 bytes. Errors: validation.
    static Result<void> check(std::string_view bucket, std::string_view prefix);

    /// The folder of a key prefix; it and the bucket are made if they are not there. Symbolic links below the bucket are not followed.
    /// Errors: unavailable.
    Result<std::filesystem::path> make_folder(std::string_view bucket, std::string_view prefix) const;

    /// All regular files of the bucket whose keys begin with `prefix`, in order of their keys. Symbolic links are passed over.
    /// Errors: resource_not_found (no such bucket), limit_exceeded (more than `most`), unavailable.
    Result<std::vector<std::filesystem::path>> list(std::string_view bucket, std::string_view prefix, std::size_t most) const;

  private:
    std::filesystem::path folder_;
};

}  // namespace fogbank::store::table
