// One row a sample from what InHand gateways publish, an array such as
//
//     [{"Device": "press-1", "timestamp": 1589538347.56, "Data": {"Test1": false, "Test2": 12}}]
//
// into the table that the environment variable TABLE names (default `InHandSamples`; partition key `device` (S), sort key `timestamp` (N)).
// Each member of Data becomes an attribute, its value verbatim. The key comes from the sample, so an event that runs twice writes the same
// rows again. A sample without Device or timestamp is logged and left out; a row that the table refuses fails the event, which is then
// tried again.

#include <fogbank/lambda.h>

#include <optional>
#include <string>

using namespace fogbank::lambda;

// The row, or the reason why there is none.
static std::optional<std::string> row_of(const JsonView& sample, std::string& reason) {
    try {
        JsonObject row;
        const auto data = sample.find("Data");
        if (data) {
            for (const auto& [name, value] : data->members()) row.set(name, value);
        }
        // After Data, so that a tag named like a key does not replace it.
        row.set("device", sample.at("Device").string());
        const JsonView timestamp = sample.at("timestamp");
        timestamp.number();  // throws unless it is one
        row.set("timestamp", timestamp);
        return row.str();
    } catch (const JsonError& e) {
        reason = e.what();
        return std::nullopt;
    }
}

static Json handle(const std::string& event, Context& context) {
    const JsonView samples(event);
    const std::string_view variable = context.environment("TABLE");
    const std::string_view table = variable.empty() ? "InHandSamples" : variable;
    int rows = 0;
    int refused = 0;
    const auto write = [&](const JsonView& sample) {
        std::string reason;
        if (const auto row = row_of(sample, reason)) {
            context.put_item(table, *row);
            ++rows;
        } else {
            context.log("sample left out: " + reason);
            ++refused;
        }
    };
    if (samples.is_array()) {
        for (const JsonView sample : samples.elements()) write(sample);
    } else {
        write(samples);
    }
    return JsonObject().set("rows", rows).set("refused", refused).str();
}

FOGBANK_LAMBDA_HANDLER(handle);
