// What a stream speaks is decided once and for all; a PROXY header is within its bounds and does not depend on what follows it.
#include <cstdlib>

#include "broker/first_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace fogbank::broker;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Speaks decided = Speaks::unknown_yet;
    for (std::size_t end = 0; end <= size && end < 64; ++end) {
        const Speaks now = first_bytes_speak(bytes.substr(0, end));
        if (decided != Speaks::unknown_yet && now != decided) std::abort();
        decided = now;
    }
    const auto header = read_proxy_header(bytes);
    if (!header || !*header) return 0;
    if ((*header)->header_bytes > size || (*header)->header_bytes > proxy_header_bytes_max) std::abort();
    const auto alone = read_proxy_header(bytes.substr(0, (*header)->header_bytes));
    if (!alone || !*alone || (*alone)->source_ip != (*header)->source_ip || (*alone)->source_port != (*header)->source_port) std::abort();
    const auto cut = read_proxy_header(bytes.substr(0, (*header)->header_bytes - 1));
    if (cut && *cut) std::abort();
    return 0;
}
