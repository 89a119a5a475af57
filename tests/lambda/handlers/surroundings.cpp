// Says everything that the context knows.
#include <fogbank/lambda.h>

using namespace fogbank::lambda;

static Json handle(const std::string&, Context& context) {
    JsonObject out;
    out.set("request_id", context.request_id()).set("name", context.function_name()).set("arn", context.function_arn());
    out.set("now", context.now_iso8601()).set("deadline_ms", context.deadline_ms()).set("remaining_ms", context.remaining_ms());
    out.set("TABLE", context.environment("TABLE")).set("UNSET", context.environment("UNSET"));
    return out.str();
}

FOGBANK_LAMBDA_HANDLER(handle);
