#include "store/table/detail/bucket_files.h"

#include <algorithm>

#include "store/table/detail/errors.h"

namespace fogbank::store::table {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t bucket_chars_max = 255, prefix_bytes_max = 1024;
constexpr std::size_t part_bytes_max = 255;  // of a file's name
constexpr int depth_max = 64;

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Error failed(const fs::path& path, const std::error_code& error) {
    return {Errc::unavailable, "`" + path.string() + "`: " + error.message()};
}

Result<void> check_part(std::string_view part) {
    if (part.empty() || part == "." || part == "..") return validation("Invalid S3 prefix: empty parts, `.` and `..` are not supported");
    if (part.size() > part_bytes_max) return validation("Invalid S3 prefix: a part between slashes is longer than 255 bytes");
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(part.begin(), part.end(), is_control)) return validation("Invalid S3 prefix: control characters are not supported");
    return {};
}

std::vector<std::string_view> parts_of(std::string_view prefix) {
    std::vector<std::string_view> out;
    while (!prefix.empty()) {
        const auto slash = prefix.find('/');
        out.push_back(prefix.substr(0, slash));
        prefix.remove_prefix(slash == std::string_view::npos ? prefix.size() : slash + 1);
    }
    return out;
}

}  // namespace

Result<void> Buckets::check(std::string_view bucket, std::string_view prefix) {
    const auto is_inside = [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; };
    const bool named = bucket.size() >= 2 && is_alphanumeric(bucket.front()) && is_alphanumeric(bucket.back()) &&
                       std::all_of(bucket.begin(), bucket.end(), is_inside);
    if (!named || bucket.size() > bucket_chars_max)
        return constraint_violated(bucket.substr(0, bucket_chars_max), "s3Bucket",
                                   "satisfy regular expression pattern: ^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+$");
    if (prefix.size() > prefix_bytes_max)
        return constraint_violated(prefix.substr(0, 64), "s3Prefix", "have length less than or equal to 1024");
    const auto parts = parts_of(prefix);
    if (parts.size() > static_cast<std::size_t>(depth_max)) return validation("Invalid S3 prefix: too many parts");
    for (const auto part : parts) {
        if (auto checked = check_part(part); !checked) return checked;
    }
    return {};
}

Result<fs::path> Buckets::make_folder(std::string_view bucket, std::string_view prefix) const {
    fs::path path = folder_ / bucket;
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return failed(path, error);
    for (const auto part : parts_of(prefix)) {
        path /= part;
        const auto status = fs::symlink_status(path, error);
        if (fs::exists(status) && !fs::is_directory(status)) return failed(path, std::make_error_code(std::errc::not_a_directory));
        fs::create_directory(path, error);
        if (error) return failed(path, error);
    }
    return path;
}

Result<std::vector<fs::path>> Buckets::list(std::string_view bucket, std::string_view prefix, std::size_t most) const {
    const fs::path root = folder_ / bucket;
    std::error_code error;
    if (!fs::is_directory(root, error)) return Error(Errc::resource_not_found, "The specified bucket does not exist");
    std::vector<std::pair<std::string, fs::path>> found;
    fs::recursive_directory_iterator entry(root, error);
    for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
        if (entry.depth() >= depth_max) entry.disable_recursion_pending();
        const auto status = entry->symlink_status(error);
        if (error) break;
        const std::string key = entry->path().lexically_relative(root).generic_string();
        const bool leads_there = key.size() < prefix.size() ? prefix.starts_with(key + "/") : key.starts_with(prefix);
        if (fs::is_directory(status) && !leads_there) entry.disable_recursion_pending();
        if (!fs::is_regular_file(status) || !key.starts_with(prefix)) continue;
        if (found.size() == most) return Error(Errc::limit_exceeded, "more than " + std::to_string(most) + " files");
        found.emplace_back(key, entry->path());
    }
    if (error) return failed(root, error);
    std::sort(found.begin(), found.end());
    std::vector<fs::path> out;
    out.reserve(found.size());
    for (auto& [key, path] : found) out.push_back(std::move(path));
    return out;
}

}  // namespace fogbank::store::table
