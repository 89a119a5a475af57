// Throws what the event, a string, names.
#include <fogbank/lambda.h>

class PressureError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context&) {
    const std::string what = fogbank::lambda::JsonView(event).string();
    if (what == "own") throw PressureError("too \"high\"");
    if (what == "int") throw 42;
    if (what == "json") fogbank::lambda::JsonView("{").text();
    return "\"nothing thrown\"";
}

FOGBANK_LAMBDA_HANDLER(handle);
