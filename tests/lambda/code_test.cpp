// What may be loaded: ELF objects, zip archives, the folder of private copies.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/encoding.h"
#include "lambda/code_store.h"
#include "lambda/elf.h"
#include "lambda/limits.h"
#include "lambda/zip_archive.h"
#include "tests/lambda/support.h"
#include "tests/lambda/zip_support.h"

namespace fogbank::lambda {
namespace {

using ::testing::HasSubstr;

std::string elf_reason(std::string_view bytes) {
    const auto checked = check_shared_object(bytes);
    return checked ? "good" : checked.error().message;
}

TEST(SharedObject, SaysWhatAFileIsInstead) {
    const std::string object = file_bytes(handler_file("echo"));
    EXPECT_EQ(elf_reason(object), "good");
    EXPECT_EQ(elf_reason(""), "not an ELF shared object");
    EXPECT_EQ(elf_reason("!<arch>\n"), "not an ELF shared object");
    const auto with = [&](std::size_t at, char value) {
        std::string changed = object;
        changed[at] = value;
        return elf_reason(changed);
    };
    EXPECT_EQ(with(4, 1), "wrong architecture: not a 64-bit object");
    EXPECT_EQ(with(5, 2), "wrong architecture: not little-endian");
    EXPECT_THAT(with(18, 8), HasSubstr("wrong architecture: built for ELF machine 8"));
    EXPECT_THAT(with(16, 1), HasSubstr("not a shared object"));
}

/// No cut is taken for whole: each would be mapped beyond the file's end. And no change of the headers makes us read outside (the sanitizer
/// watches).
TEST(SharedObject, EveryCutIsSeen) {
    const std::string object = file_bytes(handler_file("plain_c"));
    for (std::size_t size = 0; size < object.size(); size += 1 + size / 64) {
        const std::vector<char> exact(object.begin(), object.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(check_shared_object({exact.data(), exact.size()})) << size;
    }
    std::mt19937 random(3);
    for (int i = 0; i < 5000; ++i) {
        std::vector<char> changed(object.begin(), object.begin() + 4096);
        for (int n = 0; n < 4; ++n) changed[random() % 700] = static_cast<char>(random());
        static_cast<void>(check_shared_object({changed.data(), changed.size()}));
    }
}

std::string zip_reason(const std::vector<ZipEntry>& entries, std::string_view handler = "handler", const ZipLimits& limits = {}) {
    const auto object = shared_object_from_zip(make_zip(entries), handler, limits);
    return object ? "object " + *object : object.error().message;
}

TEST(ZipArchive, FindsTheObject) {
    EXPECT_EQ(zip_reason({{"a.so", "A"}, {"handler.so", "H"}, {"x.txt", "X"}}), "object H");
    EXPECT_EQ(zip_reason({{"a.so", "A"}, {"handler", "H"}}), "object H");
    EXPECT_EQ(zip_reason({{"lib/a.so", "A"}, {"x.txt", "X"}}), "object A");
    EXPECT_EQ(zip_reason({{"lib/a.so", "A"}, {"lib/b.so", "B"}}, "lib/b.so"), "object B");
    EXPECT_EQ(zip_reason({{"a.so", std::string(300'000, 'a')}}).size(), 300'007U);
    EXPECT_THAT(zip_reason({{"a.so", "A"}, {"b.so", "B"}}), HasSubstr("holds 2 shared objects"));
    EXPECT_THAT(zip_reason({{"x.txt", "X"}}), HasSubstr("holds no shared object"));
}

TEST(ZipArchive, RefusesTheWholeHostilePackage) {
    for (const char* name : {"../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "C:/evil", ".."}) {
        EXPECT_THAT(zip_reason({{"handler.so", "H"}, {name, "x"}}), HasSubstr("leaves the function's folder")) << name;
    }
    EXPECT_THAT(zip_reason({{"handler.so", "/etc/passwd", S_IFLNK | 0777}}), HasSubstr("is a symbolic link"));
    EXPECT_THAT(zip_reason({{"handler.so", "H"}, {"link", "/etc", S_IFLNK | 0777}}), HasSubstr("is a symbolic link"));
    EXPECT_EQ(zip_reason({{"a..b/..c/handler.so", "H"}}), "object H");
}

TEST(ZipArchive, IsBounded) {
    ZipLimits limits;
    limits.unpacked_bytes_max = 1000;
    EXPECT_THAT(zip_reason({{"handler.so", std::string(600, 'a')}, {"b", std::string(600, 'b')}}, "handler", limits),
                HasSubstr("Unzipped size must be smaller than 1000 bytes"));
    limits.entries_max = 1;
    EXPECT_THAT(zip_reason({{"handler.so", "H"}, {"b", "B"}}, "handler", limits), HasSubstr("more than 1 entries"));
    limits.zip_bytes_max = 10;
    EXPECT_THAT(zip_reason({{"handler.so", "H"}}, "handler", limits), HasSubstr("is larger than 10"));
}

TEST(ZipArchive, BrokenBytesAreRefused) {
    const std::string whole = make_zip({{"handler.so", std::string(2000, 'h')}});
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(shared_object_from_zip(whole.substr(0, size), "handler")) << size;
    std::mt19937 random(5);
    int refused = 0;
    for (int i = 0; i < 2000; ++i) {
        std::string changed = whole;
        changed[random() % changed.size()] = static_cast<char>(random());
        const auto object = shared_object_from_zip(changed, "handler");
        if (!object) ++refused;
        // What is accepted has passed the CRC.
        if (object) {
            EXPECT_EQ(*object, std::string(2000, 'h'));
        }
    }
    EXPECT_GT(refused, 100);
}

TEST(CodeStore, KeepsOneFileForOneContent) {
    TemporaryFolder folder;
    const CodeStore store(folder.path());
    const FunctionName name("f");
    const auto a = store.install(name, "A");
    const auto b = store.install(name, "B");
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->file, folder.path() / "f" / (hex_encode(sha256("A")) + ".so"));
    EXPECT_EQ(file_bytes(a->file), "A");
    EXPECT_EQ(store.install(name, "A")->file, a->file);
    store.keep_only(name, {b->sha256});
    EXPECT_FALSE(std::filesystem::exists(a->file));
    EXPECT_TRUE(std::filesystem::exists(b->file));
    store.remove(name);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "f"));
}

TEST(CodeStore, AFileThatChangesWhileItIsReadIsNotTaken) {
    TemporaryFolder folder;
    const auto file = folder.path() / "x";
    std::ofstream(file) << "before";
    const auto stamp = FileStamp::of(file);
    ASSERT_TRUE(stamp);
    EXPECT_EQ(*read_object(file, *stamp), "before");
    std::ofstream(file) << "afterwards";
    EXPECT_NE(*FileStamp::of(file), *stamp);
    EXPECT_FALSE(read_object(file, *stamp));
    EXPECT_FALSE(FileStamp::of(folder.path()));
    EXPECT_FALSE(FileStamp::of(folder.path() / "nothing"));
}

}  // namespace
}  // namespace fogbank::lambda
