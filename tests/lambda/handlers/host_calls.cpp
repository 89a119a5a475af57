// Does what the event asks of the host: {"op":"put"|"get"|"publish", …}.
#include <fogbank/lambda.h>

using namespace fogbank::lambda;

static Json handle(const std::string& event, Context& context) {
    const JsonView call(event);
    const std::string op = call.at("op").string();
    if (op == "put") {
        context.put_item(call.at("table").string(), call.at("item").raw());
        return "true";
    }
    if (op == "get") return context.get_item(call.at("table").string(), call.at("key").raw());
    context.publish(call.at("topic").string(), call.at("payload").text(), static_cast<int>(call.at("qos").integer()));
    return "true";
}

FOGBANK_LAMBDA_HANDLER(handle);
