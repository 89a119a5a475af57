// Returns the event's decoded string as its result, JSON or not.
#include <fogbank/lambda.h>

static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context&) {
    return fogbank::lambda::JsonView(event).string();
}

FOGBANK_LAMBDA_HANDLER(handle);
