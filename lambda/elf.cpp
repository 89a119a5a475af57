#include "lambda/elf.h"

#include <elf.h>

#include <cstring>
#include <string>

#include "lambda/errc.h"

namespace fogbank::lambda {
namespace {

#if defined(__x86_64__)
constexpr unsigned this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned this_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr unsigned this_machine = EM_RISCV;
#else
#error "tell lambda/elf.cpp the ELF machine number of this architecture"
#endif

std::string machine_name(unsigned machine) {
    switch (machine) {
        case EM_X86_64:
            return "x86_64";
        case EM_AARCH64:
            return "arm64";
        case EM_386:
            return "x86 (32 bit)";
        case EM_ARM:
            return "arm (32 bit)";
        case EM_RISCV:
            return "riscv";
        default:
            return "ELF machine " + std::to_string(machine);
    }
}

Error invalid(std::string why) {
    return {Errc::invalid_code, std::move(why)};
}

/// Whether `count` records of `size` bytes from `offset` lie inside `total` bytes.
bool inside(std::uint64_t offset, std::uint64_t size, std::uint64_t count, std::uint64_t total) {
    return offset <= total && (count == 0 || size <= (total - offset) / count);
}

/// A copy, because the bytes need not be aligned.
template <class T>
T read(std::string_view bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

Result<void> check_segments(std::string_view bytes, const Elf64_Ehdr& header) {
    const Error cut = invalid("the file is cut short");
    if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr)) return invalid("an ELF file without segments");
    if (!inside(header.e_phoff, sizeof(Elf64_Phdr), header.e_phnum, bytes.size())) return cut;
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        const auto segment = read<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
        if (segment.p_type == PT_LOAD && !inside(segment.p_offset, segment.p_filesz, 1, bytes.size())) return cut;
    }
    // Usually the last thing in the file.
    if (header.e_shoff != 0 && !inside(header.e_shoff, header.e_shentsize, header.e_shnum, bytes.size())) return cut;
    return {};
}

}  // namespace

Result<void> check_shared_object(std::string_view bytes) {
    if (bytes.size() < EI_NIDENT || bytes.substr(0, SELFMAG) != std::string_view(ELFMAG, SELFMAG))
        return invalid("not an ELF shared object");
    if (bytes[EI_CLASS] != ELFCLASS64) return invalid("wrong architecture: not a 64-bit object");
    if (bytes[EI_DATA] != ELFDATA2LSB) return invalid("wrong architecture: not little-endian");
    if (bytes.size() < sizeof(Elf64_Ehdr)) return invalid("the file is cut short");
    const auto header = read<Elf64_Ehdr>(bytes, 0);
    if (header.e_machine != this_machine) {
        return invalid("wrong architecture: built for " + machine_name(header.e_machine) + ", this server is " +
                       machine_name(this_machine));
    }
    if (header.e_type != ET_DYN) return invalid("an ELF file, but not a shared object (build with -shared -fPIC)");
    return check_segments(bytes, header);
}

}  // namespace fogbank::lambda
