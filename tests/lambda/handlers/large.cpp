// Returns a string of as many bytes as the event, a number, says.
#include <fogbank/lambda.h>

static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context&) {
    const auto bytes = static_cast<std::size_t>(fogbank::lambda::JsonView(event).integer());
    return "\"" + std::string(bytes - 2, 'x') + "\"";
}

FOGBANK_LAMBDA_HANDLER(handle);
