// Event source mappings: every record reaches its function, in order, whatever happens in between.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "store/table/json.h"
#include "store/table/table_api.h"
#include "tests/lambda/support.h"

namespace fogbank::lambda {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
namespace table = store::table;

/// What a function is given; decides what it answers.
class Sink {
  public:
    /// The answer to one event, nothing to fail.
    using Judge = std::function<std::optional<std::string>(const json& event)>;
    explicit Sink(Judge judge = [](const json&) { return "{}"; }) : judge_(std::move(judge)) {}

    CreateFunctionRequest function(const std::string& name) {
        auto out = World::request(name, handler_file("sees_events"));
        out.timeout_s = 900;  // time that a test lets pass is no time that the function takes
        out.environment["FUNCTION"] = std::to_string(reinterpret_cast<std::uintptr_t>(&Sink::called));
        out.environment["ARGUMENT"] = std::to_string(reinterpret_cast<std::uintptr_t>(this));
        return out;
    }
    std::vector<json> wait_for(std::size_t events) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return events_.size() >= events; });
        return events_;
    }
    std::vector<json> events() {
        const std::lock_guard lock(mutex_);
        return events_;
    }

  private:
    static bool called(void* argument, const std::string* event, std::string* result) {
        auto& self = *static_cast<Sink*>(argument);
        json seen = json::parse(*event);
        const std::lock_guard lock(self.mutex_);
        const auto answer = self.judge_(seen);
        self.events_.push_back(std::move(seen));
        self.changed_.notify_all();
        if (answer) *result = *answer;
        return answer.has_value();
    }
    Judge judge_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<json> events_;
};

/// The ids of an event's items.
std::string ids(const json& event) {
    std::string out;
    for (const auto& record : event.at("Records")) out += record.at("dynamodb").at("Keys").at("id").at("S").get<std::string>();
    return out;
}
std::vector<std::string> ids(const std::vector<json>& events) {
    std::vector<std::string> out;
    for (const auto& event : events) out.push_back(ids(event));
    return out;
}
bool holds(const json& event, std::string_view id) {
    return ids(event).find(id) != std::string::npos;
}

/// A table with a stream and the functions that read it.
class EventSources : public ::testing::Test {
  protected:
    EventSources() {
        world_.policy.streams.look_again = 1h;  // what is announced is enough
        open_tables();
        table::CreateTableRequest request;
        request.name = TableName("tab");
        request.key_schema.partition_key = {"id", table::KeyType::string};
        request.stream.enabled = true;
        request.stream.view = table::StreamViewType::new_and_old_images;
        const auto created = testing::run(tables_->create_table(std::move(request)));
        if (!created) throw std::runtime_error(created.error().message);
        const auto streams = testing::run(tables_->streams().list_streams(TableName("tab"), std::nullopt, 1));
        stream_ = streams->streams.front().arn;
    }

    ~EventSources() override { world_.crash(); }  // the service reads the tables until its end

    void open_tables() {
        table::TableService::Dependencies dependencies{*world_.engine, world_.clock, world_.random,
                                                       ArnFactory(AccountId("000000000000"), Region("us-east-1")),
                                                       Quotas(QuotaProfile::aws)};
        auto opened = testing::run(table::open_table_service(dependencies));
        if (!opened) throw std::runtime_error(opened.error().message);
        tables_ = std::move(*opened);
        world_.streams = &tables_->streams();
    }
    void put(const std::string& text) {
        for (const char id : text) {
            std::optional<Result<void>> answer;
            tables_->put_item(TableName("tab"), *table::item_from_plain_json(R"({"id":")" + std::string(1, id) + R"(","n":1})"),
                              [&](Result<void> result) { answer = std::move(result); });
            ASSERT_TRUE(answer.value());
        }
    }
    CreateEventSourceRequest request(const std::string& function, bool from_latest = false) {
        CreateEventSourceRequest out;
        out.stream_arn = stream_;
        out.from_latest = from_latest;
        out.settings.function = FunctionReference{FunctionName(function), {}};
        return out;
    }
    lambda::EventSources& sources() { return *world_.service().event_sources(); }
    std::string map(CreateEventSourceRequest wanted) {
        const auto made = testing::run(sources().create(std::move(wanted)));
        EXPECT_TRUE(made) << made.error().message;
        return made ? made->id : std::string();
    }
    EventSourceMapping look(const std::string& id) { return testing::run(sources().get(id)).value(); }
    void start_with(Sink& sink, const std::string& name = "f") {
        ASSERT_TRUE(world_.create(sink.function(name)));
        world_.service().start({});
    }
    /// After a failed attempt the poller waits by the room's clock, which this moves until `condition` holds.
    template <class Condition>
    void pass_time_until(Condition condition) {
        World::until([&] {
            world_.clock.advance(100ms);
            return condition();
        });
    }
    /// Everything that was sent has moved the checkpoint.
    void wait_until_ok(const std::string& id) {
        World::until([&] { return look(id).last_result == "OK"; });
    }

    World world_;
    std::unique_ptr<table::TableApi> tables_;
    std::string stream_;
};

TEST_F(EventSources, EventsAreAsDynamoDbSendsThem) {
    put("a");
    Sink sink;
    start_with(sink);
    const auto made = testing::run(sources().create(request("f")));
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->state, "Creating");
    const json record = sink.wait_for(1)[0].at("Records").at(0);
    EXPECT_EQ(record.at("eventSourceARN"), stream_);
    EXPECT_EQ(record.at("eventName"), "INSERT");
    EXPECT_EQ(record.at("eventSource"), "aws:dynamodb");
    EXPECT_EQ(record.at("awsRegion"), "us-east-1");
    EXPECT_EQ(record.at("dynamodb").at("NewImage").at("n").at("N"), "1");
    wait_until_ok(made->id);
    EXPECT_EQ(look(made->id).state, "Enabled");
}

TEST_F(EventSources, TrimHorizonReadsEverythingInOrderInBatches) {
    put("abcdefg");
    Sink sink;
    start_with(sink);
    auto wanted = request("f");
    wanted.settings.batch_size = 3;
    map(std::move(wanted));
    EXPECT_THAT(ids(sink.wait_for(3)), ElementsAre("abc", "def", "g"));
    put("h");  // announced, nobody looks for it
    EXPECT_EQ(ids(sink.wait_for(4).back()), "h");
}

TEST_F(EventSources, LatestLeavesOutWhatWasThere) {
    put("abc");
    Sink sink;
    start_with(sink);
    map(request("f", true));
    put("d");
    EXPECT_THAT(ids(sink.wait_for(1)), ElementsAre("d"));
}

TEST_F(EventSources, LatestHoldsItsPlaceOverACrash) {
    put("abc");
    world_.clock.advance(10s);
    Sink sink;
    start_with(sink);
    auto wanted = request("f", true);
    wanted.settings.enabled = false;
    const std::string id = map(std::move(wanted));
    put("d");
    world_.crash();
    world_.service().start({});
    EventSourceSettings enable;
    enable.enabled = true;
    ASSERT_TRUE(testing::run(sources().update(id, enable)));
    EXPECT_THAT(ids(sink.wait_for(1)), ElementsAre("d"));
}

TEST_F(EventSources, AFailedBatchIsTriedAgainUntilItSucceeds) {
    int failures = 5;
    Sink sink([&](const json&) { return failures-- > 0 ? std::nullopt : std::optional<std::string>("{}"); });
    start_with(sink);
    put("ab");
    const std::string id = map(request("f"));
    sink.wait_for(1);
    World::until([&] { return look(id).last_result == "PROBLEM: Function call failed"; });
    put("c");  // does not hurry it, and does not overtake
    pass_time_until([&] { return sink.events().size() >= 7; });
    EXPECT_THAT(ids(sink.events()), ElementsAre("ab", "ab", "ab", "ab", "ab", "ab", "c"));
}

TEST_F(EventSources, ACrashLosesNothing) {
    bool fail = true;
    Sink sink([&](const json& event) { return fail && holds(event, "c") ? std::nullopt : std::optional<std::string>("{}"); });
    start_with(sink);
    put("abcd");
    auto wanted = request("f");
    wanted.settings.batch_size = 2;
    map(std::move(wanted));
    sink.wait_for(2);
    world_.crash();
    fail = false;
    open_tables();
    put("e");
    const std::size_t before = sink.events().size();
    world_.service().start({});
    const auto all = ids(sink.wait_for(before + 2));
    // What had succeeded does not come again, what had failed does.
    EXPECT_EQ(all[0], "ab");
    EXPECT_EQ(all[before], "cd");
    EXPECT_EQ(all[before + 1], "e");
}

TEST_F(EventSources, AfterItsLastAttemptABatchGoesToTheFailureDestination) {
    Sink sink([](const json& event) { return holds(event, "a") ? std::nullopt : std::optional<std::string>("{}"); });
    Sink failures;
    ASSERT_TRUE(world_.create(failures.function("lost")));
    start_with(sink);
    put("ab");
    auto wanted = request("f");
    wanted.settings.retries_max = 1;
    wanted.settings.on_failure = "arn:aws:lambda:us-east-1:000000000000:function:lost";
    const std::string id = map(std::move(wanted));
    pass_time_until([&] { return failures.events().size() == 1; });
    EXPECT_EQ(sink.events().size(), 2U);
    const json record = failures.events()[0];
    EXPECT_EQ(record.at("requestContext").at("condition"), "RetryAttemptsExhausted");
    EXPECT_EQ(record.at("requestContext").at("approximateInvokeCount"), 2);
    EXPECT_EQ(record.at("requestContext").at("functionArn"), "arn:aws:lambda:us-east-1:000000000000:function:f");
    EXPECT_EQ(record.at("responseContext").at("functionError"), "Unhandled");
    EXPECT_EQ(record.at("DDBStreamBatchInfo").at("batchSize"), 2);
    EXPECT_EQ(record.at("DDBStreamBatchInfo").at("streamArn"), stream_);
    EXPECT_THAT(record.at("DDBStreamBatchInfo").at("shardId").get<std::string>(), StartsWith("shardId-"));
    put("c");
    EXPECT_EQ(ids(sink.wait_for(3).back()), "c");
}

TEST_F(EventSources, BisectingFindsTheRecordThatFails) {
    Sink sink([](const json& event) { return holds(event, "f") ? std::nullopt : std::optional<std::string>("{}"); });
    start_with(sink);
    put("abcdefgh");
    auto wanted = request("f");
    wanted.settings.bisect = true;
    wanted.settings.retries_max = 0;
    const std::string id = map(std::move(wanted));
    pass_time_until([&] { return !sink.events().empty() && ids(sink.events().back()) == "gh"; });
    EXPECT_THAT(ids(sink.events()), ElementsAre("abcdefgh", "abcd", "efgh", "ef", "e", "f", "gh"));
    wait_until_ok(id);
}

TEST_F(EventSources, ReportedItemsAndWhatFollowsThemAreTriedAgain) {
    int failures = 1;
    Sink sink([&](const json& event) -> std::optional<std::string> {
        if (failures-- <= 0) return R"({"batchItemFailures":[]})";
        const json& records = event.at("Records");
        const json answer{{"batchItemFailures",
                           {{{"itemIdentifier", records.at(3).at("dynamodb").at("SequenceNumber")}},
                            {{"itemIdentifier", records.at(2).at("dynamodb").at("SequenceNumber")}}}}};
        return answer.dump();
    });
    start_with(sink);
    put("abcde");
    auto wanted = request("f");
    wanted.settings.report_item_failures = true;
    wanted.settings.retries_max = 0;  // progress is no failed attempt
    map(std::move(wanted));
    pass_time_until([&] { return sink.events().size() >= 2; });
    EXPECT_THAT(ids(sink.events()), ElementsAre("abcde", "cde"));
}

TEST_F(EventSources, AReportThatNamesNothingOfTheBatchFailsAll) {
    Sink sink([](const json&) { return R"({"batchItemFailures":[{"itemIdentifier":"17"}]})"; });
    start_with(sink);
    put("ab");
    auto wanted = request("f");
    wanted.settings.report_item_failures = true;
    map(std::move(wanted));
    pass_time_until([&] { return sink.events().size() >= 3; });
    EXPECT_EQ(ids(sink.events()[2]), "ab");
}

TEST_F(EventSources, FilteredRecordsAreSkippedAndNotReadAgain) {
    Sink sink;
    start_with(sink);
    put("abab");
    auto wanted = request("f");
    wanted.settings.filters = {R"({"eventName":["INSERT"],"dynamodb":{"Keys":{"id":{"S":["b","c"]}}}})"};
    const std::string id = map(std::move(wanted));
    EXPECT_EQ(ids(sink.wait_for(1)[0]), "b");  // the second `b` is a MODIFY
    wait_until_ok(id);
    world_.crash();
    world_.service().start({});
    put("ac");
    EXPECT_THAT(ids(sink.wait_for(2)), ElementsAre("b", "c"));
}

TEST_F(EventSources, OldRecordsAreNotSent) {
    Sink sink;
    Sink failures;
    ASSERT_TRUE(world_.create(failures.function("lost")));
    put("ab");
    world_.clock.advance(61s);
    put("c");
    start_with(sink);
    auto wanted = request("f");
    wanted.settings.record_age_max_s = 60;
    wanted.settings.on_failure = "arn:aws:lambda:us-east-1:000000000000:function:lost";
    map(std::move(wanted));
    EXPECT_THAT(ids(sink.wait_for(1)), ElementsAre("c"));
    const json record = failures.wait_for(1)[0];
    EXPECT_EQ(record.at("requestContext").at("condition"), "RecordAgeExceeded");
    EXPECT_EQ(record.at("DDBStreamBatchInfo").at("batchSize"), 2);
}

TEST_F(EventSources, TheBatchingWindowGathers) {
    Sink sink;
    start_with(sink);
    auto wanted = request("f");
    wanted.settings.batching_window_s = 300;
    wanted.settings.batch_size = 4;
    map(std::move(wanted));
    put("ab");
    put("cd");
    EXPECT_EQ(ids(sink.wait_for(1)[0]), "abcd");  // full before the window is over
    put("e");
    EXPECT_EQ(sink.events().size(), 1U);
    pass_time_until([&] { return sink.events().size() == 2; });
    EXPECT_EQ(ids(sink.events()[1]), "e");
}

TEST_F(EventSources, ADisabledMappingWaitsWhereItIs) {
    Sink sink;
    start_with(sink);
    const std::string id = map(request("f"));
    put("a");
    sink.wait_for(1);
    wait_until_ok(id);
    EventSourceSettings settings;
    settings.enabled = false;
    const auto disabled = testing::run(sources().update(id, settings));
    ASSERT_TRUE(disabled);
    EXPECT_EQ(disabled->state, "Disabling");
    EXPECT_EQ(look(id).state, "Disabled");
    put("bc");
    settings.enabled = true;
    settings.batch_size = 1;
    ASSERT_TRUE(testing::run(sources().update(id, settings)));
    EXPECT_THAT(ids(sink.wait_for(3)), ElementsAre("a", "b", "c"));
}

TEST_F(EventSources, ADeletedMappingIsGoneWithItsCheckpoint) {
    Sink sink;
    start_with(sink);
    put("a");
    const std::string id = map(request("f"));
    sink.wait_for(1);
    wait_until_ok(id);
    ASSERT_TRUE(testing::run(sources().remove(id)));
    EXPECT_EQ(testing::run(sources().get(id)).error().code, Errc::resource_not_found);
    EXPECT_EQ(testing::run(sources().remove(id)).error().code, Errc::resource_not_found);
    EXPECT_THAT(*testing::run(sources().list()), IsEmpty());
    store::kv::ScanOptions all;
    all.range = {"es", "et"};
    EXPECT_THAT(testing::run(world_.engine->scan(all))->items, IsEmpty());
    map(request("f"));  // a new one begins at the beginning
    EXPECT_EQ(ids(sink.wait_for(2)[1]), "a");
}

TEST_F(EventSources, AMissingFunctionIsAProblemThatCanBeMended) {
    Sink sink;
    start_with(sink);
    const std::string id = map(request("f"));
    ASSERT_TRUE(testing::run(world_.service().delete_function(FunctionName("f"))));
    put("a");
    World::until([&] { return look(id).last_result.starts_with("PROBLEM: Function not found"); });
    ASSERT_TRUE(world_.create(sink.function("f")));
    pass_time_until([&] { return sink.events().size() == 1; });
    EXPECT_EQ(ids(sink.events()[0]), "a");
}

TEST_F(EventSources, WhatMakesNoSenseIsRefused) {
    Sink sink;
    start_with(sink);
    const std::string id = map(request("f"));
    const auto refused = [&](CreateEventSourceRequest wanted) { return testing::run(sources().create(std::move(wanted))).error(); };
    const Error twice = refused(request("f"));
    EXPECT_EQ(twice.code, Errc::resource_conflict);
    EXPECT_THAT(twice.message, HasSubstr(id));
    EXPECT_EQ(refused(request("nobody")).code, Errc::resource_not_found);
    auto elsewhere = request("f");
    elsewhere.stream_arn = "arn:aws:dynamodb:us-east-1:000000000000:table/tab/stream/2020-01-01T00:00:00.000";
    EXPECT_THAT(refused(elsewhere).message, StartsWith("Stream not found: "));
    const auto check = [&](auto change) {
        auto wanted = request("f");
        change(wanted.settings);
        EXPECT_EQ(refused(wanted).code, Errc::invalid_parameter);
        EventSourceSettings settings;
        change(settings);
        EXPECT_EQ(testing::run(sources().update(id, settings)).error().code, Errc::invalid_parameter);
    };
    check([](EventSourceSettings& settings) { settings.batch_size = 0; });
    check([](EventSourceSettings& settings) { settings.batch_size = 10'001; });
    check([](EventSourceSettings& settings) { settings.batching_window_s = 301; });
    check([](EventSourceSettings& settings) { settings.parallelization = 11; });
    check([](EventSourceSettings& settings) { settings.record_age_max_s = 59; });
    check([](EventSourceSettings& settings) { settings.retries_max = -2; });
    check([](EventSourceSettings& settings) { settings.on_failure = "arn:aws:sqs:us-east-1:000000000000:lost"; });
    check([](EventSourceSettings& settings) { settings.filters = {"{"}; });
    check([](EventSourceSettings& settings) { settings.filters = std::vector<std::string>(6, "{}"); });
    EXPECT_EQ(testing::run(sources().update("nothing", EventSourceSettings())).error().code, Errc::resource_not_found);
}

TEST_F(EventSources, TwoFunctionsReadOneStreamByThemselves) {
    Sink good;
    Sink bad([](const json&) { return std::nullopt; });
    ASSERT_TRUE(world_.create(bad.function("bad")));
    start_with(good);
    map(request("f"));
    map(request("bad"));
    put("a");
    good.wait_for(1);
    bad.wait_for(1);
    put("b");
    EXPECT_EQ(ids(good.wait_for(2)[1]), "b");
    world_.stop();  // while one waits for its next attempt
}

}  // namespace
}  // namespace fogbank::lambda
