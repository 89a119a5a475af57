// A Fogbank function. Build and deploy:
//
//     fogbank lambda build handler.cpp
//     fogbank lambda deploy my_function handler.so
//     fogbank lambda invoke my_function '{"pressure": 4.2}'
#include <fogbank/lambda.h>

using namespace fogbank::lambda;

static Json handle(const std::string& event, Context& context) {
    const JsonView sample(event);
    context.log("pressure " + sample.at("pressure").text());
    // context.put_item("Samples", JsonObject().set("date_time", context.now_iso8601()).set("pressure", sample.at("pressure")).str());
    // context.update_shadow("pump-1", R"({"state":{"reported":{"running":true}}})");
    // context.publish("alarms/pump-1", event, 1);
    return JsonObject().set("ok", true).set("request", context.request_id()).str();
}

FOGBANK_LAMBDA_HANDLER(handle);
