// Shows each event to the test that made the function: the environment's FUNCTION is the address of a `bool (*)(void*, const std::string*
// event, std::string* result)`, ARGUMENT what it is called with. False throws.
#include <fogbank/lambda.h>

using namespace fogbank::lambda;

static void* address(Context& context, const char* name) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(std::stoull(std::string(context.environment(name)))));
}

static Json handle(const std::string& event, Context& context) {
    const auto function = reinterpret_cast<bool (*)(void*, const std::string*, std::string*)>(address(context, "FUNCTION"));
    std::string result;
    if (!function(address(context, "ARGUMENT"), &event, &result)) throw std::runtime_error("told to fail");
    return result;
}

FOGBANK_LAMBDA_HANDLER(handle);
