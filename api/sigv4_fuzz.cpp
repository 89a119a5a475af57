// Input: one line each for method, path, query, Authorization, X-Amz-Date and Host; the rest is the body. Neither a crash nor an accepted
// signature.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/sigv4.h"
#include "registry/errc.h"

namespace {

using namespace fogbank;

class OneKey final : public registry::AccessKeys {
  public:
    std::optional<registry::AccessKey> find(std::string_view id) const override {
        if (id != "AKIDEXAMPLE") return std::nullopt;
        return root();
    }
    Result<registry::AccessKey> find_session(std::string_view, std::string_view) const override {
        return Error(registry::Errc::unknown_access_key, "no sessions here");
    }
    // The secret is in no corpus, so a signature that matches is a hole.
    registry::AccessKey root() const override { return {"AKIDEXAMPLE", "not-in-the-corpus-9c1f0b7e5d2a4c63", {}}; }
};

std::string next_line(std::string_view& input) {
    const std::size_t end = input.find('\n');
    std::string line(input.substr(0, end));
    input = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    api::Request request;
    request.method = next_line(input);
    request.path = next_line(input);
    request.query = next_line(input);
    const std::string authorization = next_line(input);
    if (!authorization.empty()) request.headers.emplace_back("authorization", authorization);
    request.headers.emplace_back("x-amz-date", next_line(input));
    request.headers.emplace_back("host", next_line(input));
    request.body = input;
    request.local_port = 4566;
    const OneKey keys;
    if (api::sigv4::verify(request, keys, WallTime(std::chrono::milliseconds(1'704'164'645'000)))) std::abort();
    return 0;
}
