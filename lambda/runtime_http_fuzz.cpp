// A runtime's requests: the same ones come out however the bytes are split.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "lambda/runtime_http.h"

namespace {

using fogbank::lambda::RuntimeRequestParser;
constexpr std::size_t body_bytes_max = 64;

std::vector<std::string> requests(std::string_view bytes, std::size_t step) {
    RuntimeRequestParser parser(body_bytes_max);
    std::vector<std::string> out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        parser.add(bytes.substr(at, step));
        while (const auto request = parser.next()) {
            if (request->body.size() > body_bytes_max) std::abort();
            out.push_back(request->method + " " + request->path + " " + request->error_type + " " + request->body);
        }
        parser.take_expects_continue();
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (requests(bytes, size + 1) != requests(bytes, 1)) std::abort();
    return 0;
}
