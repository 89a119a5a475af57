#include <fogbank/lambda.h>

static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context& context) {
    context.log("echo of " + std::to_string(event.size()) + " bytes");
    return event;
}

FOGBANK_LAMBDA_HANDLER(handle);
