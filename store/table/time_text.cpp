#include "store/table/detail/time_text.h"

#include <ctime>

namespace fogbank::store::table {

std::string millisecond_text(WallTime time) {
    const auto ms = time.time_since_epoch().count();
    const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    const std::string fraction = std::to_string(1000 + ms % 1000);
    return std::string(text, length) + "." + fraction.substr(1);
}

}  // namespace fogbank::store::table
