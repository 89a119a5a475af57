#include "rules/errc.h"

#include <array>

namespace fogbank::rules {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 8> names{"",
                                                           "sql does not parse",
                                                           "invalid request",
                                                           "resource already exists",
                                                           "access denied",
                                                           "limit exceeded",
                                                           "unavailable",
                                                           "evaluation failed"};
    static const NamedErrorCategory instance("rules", names);
    return instance;
}

}  // namespace fogbank::rules
