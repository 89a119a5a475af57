#include <fogbank/lambda.h>

static fogbank::lambda::Json handle(const std::string&, fogbank::lambda::Context&) {
    return VERSION;
}

FOGBANK_LAMBDA_HANDLER(handle);
