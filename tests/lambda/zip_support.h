/// Makes zip archives for tests, hostile ones too.
#pragma once

#include <sys/stat.h>
#include <zip.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace fogbank::lambda {

struct ZipEntry {
    std::string name, bytes;
    unsigned mode = S_IFREG | 0644;
};

inline std::string make_zip(const std::vector<ZipEntry>& entries) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
    zip_source_keep(target);
    zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, &error);
    if (archive == nullptr) throw std::runtime_error("zip_open_from_source");
    for (const auto& entry : entries) {
        zip_source_t* bytes = zip_source_buffer(archive, entry.bytes.data(), entry.bytes.size(), 0);
        const zip_int64_t index = zip_file_add(archive, entry.name.c_str(), bytes, ZIP_FL_ENC_UTF_8);
        if (index < 0) throw std::runtime_error("zip_file_add");
        zip_file_set_external_attributes(archive, static_cast<zip_uint64_t>(index), 0, ZIP_OPSYS_UNIX,
                                         static_cast<zip_uint32_t>(entry.mode) << 16);
    }
    if (zip_close(archive) != 0) throw std::runtime_error("zip_close");
    zip_stat_t info;
    zip_source_stat(target, &info);
    std::string out(static_cast<std::size_t>(info.size), '\0');
    zip_source_open(target);
    zip_source_read(target, out.data(), out.size());
    zip_source_close(target);
    zip_source_free(target);
    zip_error_fini(&error);
    return out;
}

}  // namespace fogbank::lambda
