#include "lambda/package_writer.h"

#include <sys/stat.h>
#include <zip.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "lambda/errc.h"
#include "lambda/limits.h"

namespace fogbank::lambda {
namespace {

namespace fs = std::filesystem;

Error failed(const std::string& why) {
    return {Errc::invalid_code, why};
}

struct Input {
    std::string name, bytes;
    bool executable = false;
};

Result<Input> read_input(const fs::path& file, std::string name) {
    std::ifstream in(file, std::ios::binary);
    Input out;
    out.name = std::move(name);
    out.bytes.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (!in) return failed("`" + file.string() + "` cannot be read");
    std::error_code ignored;
    out.executable = (fs::status(file, ignored).permissions() & fs::perms::owner_exec) != fs::perms::none;
    return out;
}

Result<std::vector<Input>> read_inputs(const fs::path& path) {
    std::vector<Input> out;
    std::error_code bad;
    if (!fs::is_directory(path, bad)) {
        auto one = read_input(path, path.filename().string());
        if (!one) return one.error();
        out.push_back(std::move(*one));
        return out;
    }
    std::size_t bytes = 0;
    for (fs::recursive_directory_iterator it(path, fs::directory_options::follow_directory_symlink, bad), end; !bad && it != end;
         it.increment(bad)) {
        if (!it->is_regular_file(bad)) continue;
        auto one = read_input(it->path(), it->path().lexically_relative(path).generic_string());
        if (!one) return one.error();
        bytes += one->bytes.size();
        if (bytes > unpacked_bytes_max || out.size() >= zip_entries_max)
            return failed("`" + path.string() + "` is too large for a package");
        out.push_back(std::move(*one));
    }
    if (bad) return failed("`" + path.string() + "`: " + bad.message());
    if (out.empty()) return failed("`" + path.string() + "` holds no files");
    return out;
}

bool add(zip_t* archive, const Input& input) {
    zip_source_t* content = zip_source_buffer(archive, input.bytes.data(), input.bytes.size(), 0);
    if (content == nullptr) return false;
    const zip_int64_t index = zip_file_add(archive, input.name.c_str(), content, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(content);
        return false;
    }
    const zip_uint32_t mode = S_IFREG | (input.executable ? 0755U : 0644U);
    return zip_file_set_external_attributes(archive, static_cast<zip_uint64_t>(index), 0, ZIP_OPSYS_UNIX, mode << 16) == 0;
}

}  // namespace

Result<std::string> make_package(const fs::path& path) {
    const auto inputs = read_inputs(path);
    if (!inputs) return inputs.error();
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
    zip_t* archive = source != nullptr ? zip_open_from_source(source, ZIP_TRUNCATE, &error) : nullptr;
    if (archive == nullptr) {
        if (source != nullptr) zip_source_free(source);
        return failed("no package can be made");
    }
    zip_source_keep(source);  // its content is read after the archive is closed
    bool good = true;
    for (const Input& input : *inputs) good = good && add(archive, input);
    if (!good || zip_close(archive) != 0) {
        zip_discard(archive);
        zip_source_free(source);
        return failed("no package can be made of `" + path.string() + "`");
    }
    std::string out;
    zip_stat_t facts;
    zip_stat_init(&facts);
    if (zip_source_stat(source, &facts) == 0 && zip_source_open(source) == 0) {
        out.resize(static_cast<std::size_t>(facts.size));
        if (zip_source_read(source, out.data(), out.size()) != static_cast<zip_int64_t>(out.size())) out.clear();
        zip_source_close(source);
    }
    zip_source_free(source);
    if (out.empty()) return failed("no package can be made of `" + path.string() + "`");
    return out;
}

}  // namespace fogbank::lambda
