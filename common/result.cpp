#include "common/result.h"

#include <array>
#include <stdexcept>

#include "common/common_errc.h"

namespace fogbank {

void throw_exception_from_error(const Error& error, const boost::source_location& location) {
    throw std::logic_error("value() of a failed result: " + error.message + " at " + location.to_string());
}

Error in_context(std::string_view context, Error error) {
    error.message = std::string(context) + ": " + error.message;
    return error;
}

std::string NamedErrorCategory::message(int value) const {
    if (value <= 0 || static_cast<std::size_t>(value) >= names_.size()) return "unknown error " + std::to_string(value);
    return std::string(names_[static_cast<std::size_t>(value)]);
}

const boost::system::error_category& common_category() {
    static constexpr std::array<std::string_view, 8> names{"",         "malformed",      "too_large", "too_deep", "invalid_configuration",
                                                           "io_error", "crypto_failure", "stopped"};
    static const NamedErrorCategory category("common", names);
    return category;
}

}  // namespace fogbank
