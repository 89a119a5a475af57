// Calls into the test: {"function": address of a `int (*)(void*, fogbank::lambda::Context*)`, "argument": address}. Tests run handlers in
// their own process and so decide, without sleeping, how long one takes. What the function returns decides: 0 succeeds, anything else
// throws.
#include <fogbank/lambda.h>

using namespace fogbank::lambda;

static void* pointer(const JsonView& number) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(number.integer()));
}

static Json handle(const std::string& event, Context& context) {
    const JsonView call(event);
    const auto function = reinterpret_cast<int (*)(void*, Context*)>(pointer(call.at("function")));
    if (function(pointer(call.at("argument")), &context) != 0) throw std::runtime_error("told to fail");
    return "\"called\"";
}

FOGBANK_LAMBDA_HANDLER(handle);
