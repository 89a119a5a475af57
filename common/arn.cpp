#include "common/arn.h"

#include <array>

#include "common/common_errc.h"

namespace fogbank {

Result<Arn> Arn::parse(std::string_view text) {
    std::array<std::string, 5> parts;
    std::string_view rest = text;
    for (std::string& part : parts) {
        const std::size_t colon = rest.find(':');
        if (colon == std::string_view::npos) return Error(CommonErrc::malformed, "not an ARN: `" + std::string(text) + "`");
        part = rest.substr(0, colon);
        rest.remove_prefix(colon + 1);
    }
    if (parts[0] != "arn") return Error(CommonErrc::malformed, "not an ARN: `" + std::string(text) + "`");
    return Arn{std::move(parts[1]), std::move(parts[2]), std::move(parts[3]), std::move(parts[4]), std::string(rest)};
}

std::string Arn::str() const {
    return "arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource;
}

std::string ArnFactory::make(std::string_view service, std::string_view resource) const {
    std::string arn = "arn:aws:";
    arn.append(service).append(":").append(region_.str()).append(":").append(account_.str()).append(":").append(resource);
    return arn;
}

}  // namespace fogbank
