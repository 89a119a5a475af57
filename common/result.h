/// The one error type. Expected failures are values: every fallible function returns `Result<T>`; exceptions are for start-up and out of
/// memory.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <utility>

namespace fogbank {

/// Why something could not be done: a code that programs act on (each room has its own `Errc`) and a text for the person who reads the log.
/// Text is lower case without a full stop, input in backticks, unless AWS publishes the wording; then it is AWS's wording.
struct Error {
    boost::system::error_code code;
    std::string message;

    Error() = default;  // Boost's result::error() wants it
    Error(boost::system::error_code error, std::string text) : code(error), message(std::move(text)) {}
};

template <class T>
using Result = boost::system::result<T, Error>;

/// Called by `Result::value()` on an error. Reaching it is a bug: check the result first.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& location);

/// `error` with `context: ` put before its text; the code stays.
Error in_context(std::string_view context, Error error);

}  // namespace fogbank
