#include "lambda/errc.h"

#include <array>

namespace fogbank::lambda {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 10> names{"",
                                                            "invalid_parameter",
                                                            "resource_not_found",
                                                            "resource_conflict",
                                                            "invalid_request_content",
                                                            "request_too_large",
                                                            "too_many_requests",
                                                            "invalid_code",
                                                            "unavailable",
                                                            "precondition_failed"};
    static const NamedErrorCategory instance("lambda", names);
    return instance;
}

}  // namespace fogbank::lambda
