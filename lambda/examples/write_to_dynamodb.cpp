// What plant integrators write in Node.js as `put({TableName: "Secomea", Item: {date_time, pressure, temperature}})`.
//
// A rule sends one sample per event: {"pressure": 4.2, "temperature": 21.5, "collector": "press-1", "sample_time":
// "2026-01-02T03:04:05.000Z"}. It becomes one row of the table that the environment variable TABLE names (default `Secomea`), whose
// partition key is `date_time` (S).
//
// The key must be the sample's own: two samples of one millisecond must not overwrite each other, and an event that runs twice
// (asynchronous invocations run at least once) must not make two rows. So `date_time` is an ISO 8601 time, UTC with milliseconds, followed
// by what tells samples apart:
//
//     2026-01-02T03:04:05.000Z/press-1         the sample's time and collector
//     2026-01-02T03:04:05.000Z/press-1/4711    and its id, where it has one
//     2026-01-02T03:04:05.000Z/1b4e28ba        without collector and id: the request's id, which is the same in every attempt
//
// The first 24 characters are the time, so rows sort by it. Only a sample that does not know its own time gets the server's, and only such
// a sample can become two rows when its event runs twice. `sample_time` may be ISO 8601 text or a number, seconds or milliseconds since
// 1970.

#include <fogbank/lambda.h>

#include <cmath>
#include <optional>
#include <string>

using namespace fogbank::lambda;

// Beyond this a number counts milliseconds: 1e11 seconds are the year 5138, 1e11 milliseconds 1973.
constexpr double milliseconds_from = 1e11;
constexpr double milliseconds_max = 253402300799999.0;  // 9999-12-31

static std::string iso_time(const JsonView& sample_time) {
    if (sample_time.is_string()) return sample_time.string();
    const double number = sample_time.number();
    const double ms = std::round(number < milliseconds_from ? number * 1000.0 : number);
    if (!(ms >= 0.0 && ms <= milliseconds_max)) throw JsonError("the member \"sample_time\" is out of range");
    return iso8601(static_cast<std::int64_t>(ms));
}

static Json handle(const std::string& event, Context& context) {
    const JsonView sample(event);
    const auto sample_time = sample.find("sample_time");
    const auto collector = sample.find("collector");
    const auto sample_id = sample.find("sample_id");

    std::string date_time = sample_time ? iso_time(*sample_time) : context.now_iso8601();
    if (collector) date_time += "/" + collector->text();
    if (sample_id) date_time += "/" + sample_id->text();
    const bool own_key = sample_id || (sample_time && collector);
    if (!own_key) date_time += "/" + std::string(context.request_id().substr(0, 8));

    JsonObject item;
    item.set("date_time", date_time);
    for (const char* name : {"pressure", "temperature", "collector", "sample_time", "sample_id"}) {
        if (const auto value = sample.find(name)) item.set(name, *value);
    }
    const std::string_view table = context.environment("TABLE");
    context.put_item(table.empty() ? "Secomea" : table, item.str());
    return JsonObject().set("date_time", date_time).str();
}

FOGBANK_LAMBDA_HANDLER(handle);
