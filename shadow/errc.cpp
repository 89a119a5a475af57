#include "shadow/errc.h"

#include <array>

namespace fogbank::shadow {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 9> names{"",
                                                           "invalid request",
                                                           "not found",
                                                           "version conflict",
                                                           "document too large",
                                                           "unsupported encoding",
                                                           "too many requests",
                                                           "internal failure",
                                                           "unavailable"};
    static const NamedErrorCategory instance("shadow", names);
    return instance;
}

}  // namespace fogbank::shadow
