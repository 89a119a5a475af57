// Bytes that were not sealed by the peer: never data, always an end, whatever the framing.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "broker/tls_records.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace fogbank::broker;
    if (size == 0 || size > 100'000) return 0;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) std::abort();
    const auto records = TlsRecords::create(0x1301, {std::string(32, 'c'), std::string(32, 's')});
    char buffer[1024];
    for (std::size_t at = 0; at < size; at += 997) {
        const std::size_t chunk = size - at < 997 ? size - at : 997;
        static_cast<void>(::send(ends[0], data + at, chunk, MSG_NOSIGNAL));
        if (records->read(ends[1], buffer, sizeof buffer).status == IoResult::Status::done) std::abort();
    }
    records->end(ends[1]);
    ::close(ends[0]);
    ::close(ends[1]);
    return 0;
}
