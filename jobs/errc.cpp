#include "jobs/errc.h"

#include <array>

namespace fogbank::jobs {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 9> names{"",
                                                           "invalid request",
                                                           "not found",
                                                           "already exists",
                                                           "invalid state transition",
                                                           "version conflict",
                                                           "limit exceeded",
                                                           "terminal state",
                                                           "unavailable"};
    static const NamedErrorCategory instance("jobs", names);
    return instance;
}

}  // namespace fogbank::jobs
