#include "logs/errc.h"

#include <array>

namespace fogbank::logs {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 6> names{
        "", "invalid_parameter", "resource_not_found", "resource_already_exists", "limit_exceeded", "unavailable"};
    static const NamedErrorCategory instance("logs", names);
    return instance;
}

}  // namespace fogbank::logs
