// The smallest function: answers its event. bench/lambda_bench.cpp measures what an invocation costs with it.
#include <fogbank/lambda.h>

static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context&) {
    return event;
}

FOGBANK_LAMBDA_HANDLER(handle);
