#include "shadow/rejection.h"

#include <array>

#include "shadow/errc.h"
#include "shadow/value.h"

namespace fogbank::shadow {

unsigned rejection_code(const boost::system::error_code& code) {
    // In the order of Errc.
    static constexpr std::array<unsigned, 9> codes{500, 400, 404, 409, 413, 415, 429, 500, 503};
    if (code.category() != category() || code.value() < 0 || static_cast<std::size_t>(code.value()) >= codes.size()) return 500;
    return codes[static_cast<std::size_t>(code.value())];
}

std::string rejection_json(const Error& error, std::int64_t timestamp_s, const std::optional<std::string>& client_token) {
    const unsigned code = rejection_code(error.code);
    std::string out = "{\"code\":" + std::to_string(code) + ",\"message\":";
    // What failed inside is for the log, not for a device.
    append_json_string(out, code == 500 ? std::string_view("Internal service failure") : std::string_view(error.message));
    out += ",\"timestamp\":" + std::to_string(timestamp_s);
    if (client_token) {
        out += ",\"clientToken\":";
        append_json_string(out, *client_token);
    }
    return out + "}";
}

}  // namespace fogbank::shadow
