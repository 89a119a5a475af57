// Jobs from their making to their end, on an engine in memory: what the control plane and devices are told, and what time brings about.
#include <gtest/gtest.h>

#include "common/common_errc.h"
#include "jobs/job_service.h"
#include "tests/shadow/harness.h"

namespace fogbank::jobs {
namespace {

using nlohmann::json;

class FakeThings final : public ThingDirectory {
  public:
    std::set<std::string> things{"t1", "t2", "t3"};
    std::map<std::string, std::vector<std::string>> groups;

    boost::asio::awaitable<Result<bool>> thing_exists(ThingName thing) override { co_return things.contains(thing.str()); }
    boost::asio::awaitable<Result<std::string>> describe_thing_json(ThingName) override { co_return std::string("{}"); }
    boost::asio::awaitable<Result<std::string>> thing_groups_json(ThingName) override { co_return std::string("{}"); }
    boost::asio::awaitable<Result<std::vector<ThingName>>> things_in_group(std::string group) override {
        const auto found = groups.find(group);
        if (found == groups.end()) co_return Error(CommonErrc::malformed, "no such group");
        std::vector<ThingName> out;
        for (const std::string& name : found->second) out.emplace_back(name);
        co_return out;
    }
};

class Jobs : public ::testing::Test {
  protected:
    Jobs()
        : service(make_job_service({*engine, bus, bus, shards, things, clock, metrics,
                                    ArnFactory(AccountId("000000000000"), Region("us-east-1")), Quotas(QuotaProfile::aws)})) {
        shards.start();
    }
    ~Jobs() override {
        service->stop();
        engine->stop();
        shards.stop();
    }

    template <class T>
    static T run(boost::asio::awaitable<T> task) {
        return fogbank::testing::run(std::move(task));
    }
    static std::string thing_arn(const std::string& name) { return "arn:aws:iot:us-east-1:000000000000:thing/" + name; }
    static std::string group_arn(const std::string& name) { return "arn:aws:iot:us-east-1:000000000000:thinggroup/" + name; }
    void create(const std::string& id, json targets, json more = json::object()) {
        json body{{"targets", std::move(targets)}, {"document", R"({"do":"it"})"}};
        body.update(more);
        const auto made = run(service->create_job(id, body.dump()));
        ASSERT_TRUE(made.has_value()) << made.error().message;
    }
    json describe(const std::string& id) { return json::parse(*run(service->describe_job(id)))["job"]; }
    json execution(const std::string& id, const std::string& thing) {
        return json::parse(*run(service->describe_execution(id, thing, {})))["execution"];
    }
    DeviceAnswer device(DeviceOperation operation, const std::string& thing, const std::string& job = {},
                        const json& body = json::object()) {
        DeviceRequest request;
        request.operation = operation;
        request.thing = ThingName(thing);
        request.job_id = job;
        request.body = body.dump();
        return run(service->device_request(std::move(request)));
    }
    json ok(const DeviceAnswer& answer) {
        EXPECT_TRUE(answer.body.has_value()) << answer.body.error().message;
        return answer.body ? json::parse(*answer.body) : json();
    }
    void pass(std::int64_t seconds) {
        now += seconds;
        clock.set(now);
        ASSERT_TRUE(run(service->run_timers()).has_value());
    }

    std::int64_t now = 1'700'000'000;
    shadow::testing::SharedClock clock;
    Metrics metrics;
    ShardPool shards{2};
    shadow::testing::Bus bus;
    FakeThings things;
    std::unique_ptr<store::kv::Engine> engine = store::kv::make_memory_engine();
    std::unique_ptr<JobService> service;
};

TEST_F(Jobs, ADeviceCarriesOneOut) {
    create("j1", {thing_arn("t1")}, {{"description", "first"}});
    const json notify = bus.next("$aws/things/t1/jobs/notify");
    EXPECT_EQ(notify["payload"]["jobs"]["QUEUED"][0]["jobId"], "j1");
    const json next = bus.next("$aws/things/t1/jobs/notify-next");
    EXPECT_EQ(next["payload"]["execution"]["jobDocument"], json({{"do", "it"}}));
    EXPECT_EQ(next["payload"]["execution"]["status"], "QUEUED");

    const json pending = ok(device(DeviceOperation::get_pending, "t1"));
    EXPECT_EQ(pending["queuedJobs"][0]["versionNumber"], 1);
    EXPECT_TRUE(pending["inProgressJobs"].empty());
    const json started = ok(device(DeviceOperation::start_next, "t1", "", {{"statusDetails", {{"step", "1"}}}}))["execution"];
    EXPECT_EQ(started["status"], "IN_PROGRESS");
    EXPECT_EQ(started["versionNumber"], 2);
    EXPECT_EQ(started["statusDetails"], json({{"step", "1"}}));
    EXPECT_TRUE(bus.next("$aws/things/t1/jobs/notify")["payload"]["jobs"].contains("IN_PROGRESS"));
    // The same again is the same one.
    EXPECT_EQ(ok(device(DeviceOperation::start_next, "t1"))["execution"]["versionNumber"], 2);

    const json updated = ok(
        device(DeviceOperation::update, "t1", "j1", {{"status", "SUCCEEDED"}, {"includeJobExecutionState", true}, {"expectedVersion", 2}}));
    EXPECT_EQ(updated["executionState"], json({{"status", "SUCCEEDED"}, {"statusDetails", {{"step", "1"}}}, {"versionNumber", 3}}));
    EXPECT_TRUE(bus.next("$aws/things/t1/jobs/notify")["payload"]["jobs"].empty());
    EXPECT_FALSE(bus.next("$aws/things/t1/jobs/notify-next")["payload"].contains("execution"));
    const json job = describe("j1");
    EXPECT_EQ(job["status"], "COMPLETED");
    EXPECT_EQ(job["jobProcessDetails"]["numberOfSucceededThings"], 1);
    EXPECT_EQ(job["description"], "first");
    EXPECT_FALSE(ok(device(DeviceOperation::start_next, "t1")).contains("execution"));
    EXPECT_EQ(device(DeviceOperation::describe, "t1", "j1").body.error().code, Errc::terminal_state);
    const DeviceAnswer late = device(DeviceOperation::update, "t1", "j1", {{"status", "FAILED"}});
    EXPECT_EQ(late.body.error().code, Errc::invalid_state_transition);
    EXPECT_EQ(json::parse(late.state_json)["status"], "SUCCEEDED");
}

TEST_F(Jobs, VersionsAndNamesAreJudged) {
    create("j1", {thing_arn("t1")});
    const DeviceAnswer wrong = device(DeviceOperation::update, "t1", "j1", {{"status", "IN_PROGRESS"}, {"expectedVersion", 7}});
    EXPECT_EQ(wrong.body.error().code, Errc::version_conflict);
    EXPECT_EQ(json::parse(wrong.state_json)["versionNumber"], 1);
    EXPECT_EQ(device(DeviceOperation::update, "t1", "none", {{"status", "FAILED"}}).body.error().code, Errc::not_found);
    EXPECT_EQ(device(DeviceOperation::get_pending, "unknown").body.error().code, Errc::not_found);
    for (const json& bad :
         {json{{"status", "DONE"}}, json::object(), json{{"status", "FAILED"}, {"statusDetails", {{"a b", "x"}}}},
          json{{"status", "FAILED"}, {"statusDetails", {{"a", 1}}}}, json{{"status", "FAILED"}, {"stepTimeoutInMinutes", 0}},
          json{{"status", "FAILED"}, {"statusDetails", {{"a", std::string(1025, 'x')}}}}}) {
        EXPECT_EQ(device(DeviceOperation::update, "t1", "j1", bad).body.error().code, Errc::invalid_request) << bad;
    }
    EXPECT_EQ(device(DeviceOperation::update, "t1", "j1", {{"status", "QUEUED"}}).body.error().code, Errc::invalid_state_transition);
    EXPECT_EQ(execution("j1", "t1")["versionNumber"], 1);
}

TEST_F(Jobs, BadRequestsMakeNoJob) {
    const auto code = [&](const std::string& id, const json& body) { return run(service->create_job(id, body.dump())).error().code; };
    const json targets = {thing_arn("t1")};
    EXPECT_EQ(code("a b", {{"targets", targets}, {"document", "{}"}}), Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", json::array()}, {"document", "{}"}}), Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", {thing_arn("unknown")}}, {"document", "{}"}}), Errc::not_found);
    EXPECT_EQ(code("j", {{"targets", {group_arn("unknown")}}, {"document", "{}"}}), Errc::not_found);
    EXPECT_EQ(code("j", {{"targets", {"arn:aws:iot:eu-west-1:1:thing/t1"}}, {"document", "{}"}}), Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", targets}}), Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", targets}, {"document", "not json"}}), Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", targets}, {"document", "\"" + std::string(33'000, 'x') + "\""}}), Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", targets}, {"document", "{}"}, {"documentSource", "s3://x"}}), Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", targets}, {"document", "{}"}, {"timeoutConfig", {{"inProgressTimeoutInMinutes", 0}}}}),
              Errc::invalid_request);
    EXPECT_EQ(code("j", {{"targets", targets}, {"document", "{}"}, {"abortConfig", {{"criteriaList", json::array()}}}}),
              Errc::invalid_request);
    EXPECT_EQ(run(service->describe_job("j")).error().code, Errc::not_found);
    create("j", targets);
    EXPECT_EQ(code("j", {{"targets", targets}, {"document", "{}"}}), Errc::already_exists);
}

TEST_F(Jobs, ParametersArePutIntoTheDocument) {
    create("j1", {thing_arn("t1")},
           {{"document", R"({"url":"${aws:iot:parameter:url}"})"}, {"documentParameters", {{"url", "http://x/\"y"}}}});
    EXPECT_EQ(json::parse(json::parse(*run(service->job_document("j1")))["document"].get<std::string>()), json({{"url", "http://x/\"y"}}));
}

TEST_F(Jobs, CancelLeavesWhatIsInProgressUnlessForced) {
    create("j1", {thing_arn("t1"), thing_arn("t2")});
    ok(device(DeviceOperation::start_next, "t1"));
    ASSERT_TRUE(run(service->cancel_job("j1", R"({"comment":"stop","reasonCode":"R"})", false)).has_value());
    EXPECT_EQ(execution("j1", "t1")["status"], "IN_PROGRESS");
    EXPECT_EQ(execution("j1", "t2")["status"], "CANCELED");
    EXPECT_EQ(describe("j1")["status"], "CANCELED");
    EXPECT_EQ(describe("j1")["comment"], "stop");
    ASSERT_TRUE(run(service->cancel_job("j1", "", true)).has_value());
    EXPECT_EQ(execution("j1", "t1")["status"], "CANCELED");
    EXPECT_EQ(execution("j1", "t1")["forceCanceled"], true);
}

TEST_F(Jobs, DeletingTakesTheExecutionsAlong) {
    create("j1", {thing_arn("t1"), thing_arn("t2")});
    EXPECT_EQ(run(service->delete_job("j1", false)).error().code, Errc::invalid_state_transition);
    ASSERT_TRUE(run(service->delete_job("j1", true)).has_value());
    EXPECT_EQ(run(service->describe_job("j1")).error().code, Errc::not_found);
    EXPECT_FALSE(run(service->describe_execution("j1", "t1", {})).has_value());
    store::kv::ScanOptions all;
    EXPECT_TRUE(run(engine->scan(all))->items.empty());
}

TEST_F(Jobs, ExecutionsAreCanceledAndDeletedAlone) {
    create("j1", {thing_arn("t1"), thing_arn("t2")});
    ok(device(DeviceOperation::start_next, "t1"));
    EXPECT_EQ(run(service->cancel_execution("j1", "t1", "", false)).error().code, Errc::invalid_state_transition);
    EXPECT_EQ(run(service->cancel_execution("j1", "t1", R"({"expectedVersion":9})", true)).error().code, Errc::version_conflict);
    ASSERT_TRUE(run(service->cancel_execution("j1", "t1", R"({"expectedVersion":2})", true)).has_value());
    ASSERT_TRUE(run(service->cancel_execution("j1", "t2", "", false)).has_value());
    EXPECT_EQ(run(service->cancel_execution("j1", "t2", "", true)).error().code, Errc::invalid_state_transition);
    EXPECT_EQ(describe("j1")["status"], "COMPLETED");
    EXPECT_EQ(run(service->delete_execution("j1", "t2", 5, false)).error().code, Errc::not_found);
    ASSERT_TRUE(run(service->delete_execution("j1", "t2", 1, false)).has_value());
    EXPECT_EQ(describe("j1")["jobProcessDetails"]["numberOfCanceledThings"], 1);
}

TEST_F(Jobs, TimersEndExecutions) {
    create("j1", {thing_arn("t1"), thing_arn("t2")}, {{"timeoutConfig", {{"inProgressTimeoutInMinutes", 2}}}});
    EXPECT_EQ(ok(device(DeviceOperation::start_next, "t1"))["execution"]["approximateSecondsBeforeTimedOut"], 120);
    ok(device(DeviceOperation::start_next, "t2", "", {{"stepTimeoutInMinutes", 1}}));
    pass(59);
    EXPECT_EQ(execution("j1", "t2")["status"], "IN_PROGRESS");
    pass(1);
    EXPECT_EQ(execution("j1", "t2")["status"], "TIMED_OUT");
    EXPECT_EQ(execution("j1", "t1")["status"], "IN_PROGRESS");
    pass(60);
    EXPECT_EQ(execution("j1", "t1")["status"], "TIMED_OUT");
    EXPECT_EQ(describe("j1")["status"], "COMPLETED");
}

TEST_F(Jobs, FailuresAreTriedAgain) {
    create("j1", {thing_arn("t1")},
           {{"jobExecutionsRetryConfig", {{"criteriaList", {{{"failureType", "FAILED"}, {"numberOfRetries", 1}}}}}}});
    ok(device(DeviceOperation::update, "t1", "j1", {{"status", "FAILED"}}));
    EXPECT_EQ(execution("j1", "t1")["status"], "QUEUED");
    EXPECT_EQ(execution("j1", "t1")["executionNumber"], 2);
    EXPECT_EQ(device(DeviceOperation::update, "t1", "j1", {{"status", "FAILED"}, {"executionNumber", 1}}).body.error().code,
              Errc::not_found);
    ok(device(DeviceOperation::update, "t1", "j1", {{"status", "FAILED"}}));
    EXPECT_EQ(execution("j1", "t1")["status"], "FAILED");
    EXPECT_EQ(describe("j1")["status"], "COMPLETED");
}

TEST_F(Jobs, TooManyFailuresAbort) {
    create("j1", {thing_arn("t1"), thing_arn("t2"), thing_arn("t3")},
           {{"abortConfig",
             {{"criteriaList",
               {{{"failureType", "FAILED"}, {"action", "CANCEL"}, {"thresholdPercentage", 50}, {"minNumberOfExecutedThings", 2}}}}}}});
    ok(device(DeviceOperation::update, "t1", "j1", {{"status", "FAILED"}}));
    EXPECT_EQ(describe("j1")["status"], "IN_PROGRESS");
    ok(device(DeviceOperation::update, "t2", "j1", {{"status", "SUCCEEDED"}}));
    EXPECT_EQ(describe("j1")["status"], "CANCELED");
    pass(1);
    EXPECT_EQ(execution("j1", "t3")["status"], "CANCELED");
}

TEST_F(Jobs, ARolloutGoesAtItsRate) {
    for (int i = 0; i < 25; ++i) things.groups["g"].push_back("m" + std::to_string(i));
    create("j1", {group_arn("g")}, {{"jobExecutionsRolloutConfig", {{"maximumPerMinute", 10}}}});
    EXPECT_EQ(describe("j1")["jobProcessDetails"]["numberOfQueuedThings"], 10);
    EXPECT_TRUE(describe("j1")["jobProcessDetails"].contains("processingTargets"));
    pass(30);
    EXPECT_EQ(describe("j1")["jobProcessDetails"]["numberOfQueuedThings"], 10);
    pass(30);
    EXPECT_EQ(describe("j1")["jobProcessDetails"]["numberOfQueuedThings"], 20);
    pass(60);
    EXPECT_EQ(describe("j1")["jobProcessDetails"]["numberOfQueuedThings"], 25);
    EXPECT_FALSE(describe("j1")["jobProcessDetails"].contains("processingTargets"));
}

TEST_F(Jobs, ALargeGroupIsRolledOutWhole) {
    for (int i = 0; i < 1050; ++i) things.groups["g"].push_back("m" + std::to_string(i));
    create("j1", {group_arn("g")});
    EXPECT_EQ(describe("j1")["jobProcessDetails"]["numberOfQueuedThings"], 1050);
    ListRequest request;
    request.items_max = 200;
    std::set<std::string> seen;
    do {
        const auto page = run(service->list_executions_for_job("j1", request));
        ASSERT_TRUE(page.has_value());
        for (const std::string& item : page->items) seen.insert(json::parse(item)["thingArn"].get<std::string>());
        request.start = page->next;
    } while (request.start);
    EXPECT_EQ(seen.size(), 1050U);
    ASSERT_TRUE(run(service->cancel_job("j1", "", false)).has_value());
    EXPECT_EQ(describe("j1")["jobProcessDetails"]["numberOfCanceledThings"], 1050);
}

TEST_F(Jobs, AContinuousJobFollowsItsGroup) {
    things.groups["g"] = {"t1"};
    create("j1", {group_arn("g")}, {{"targetSelection", "CONTINUOUS"}});
    ok(device(DeviceOperation::update, "t1", "j1", {{"status", "SUCCEEDED"}}));
    EXPECT_EQ(describe("j1")["status"], "IN_PROGRESS");
    things.groups["g"] = {"t1", "t2"};
    pass(1);
    EXPECT_EQ(execution("j1", "t2")["status"], "QUEUED");
    things.groups["g"] = {"t1"};
    pass(1);
    EXPECT_EQ(execution("j1", "t2")["status"], "REMOVED");
    things.groups["g"] = {"t1", "t2"};
    pass(1);
    EXPECT_EQ(execution("j1", "t2")["executionNumber"], 2);
    EXPECT_EQ(execution("j1", "t2")["status"], "QUEUED");
    ASSERT_TRUE(run(service->associate_targets("j1", json{{"targets", {thing_arn("t3")}}}.dump())).has_value());
    EXPECT_EQ(execution("j1", "t3")["status"], "QUEUED");
    create("snapshot", {thing_arn("t1")});
    EXPECT_EQ(run(service->associate_targets("snapshot", json{{"targets", {thing_arn("t3")}}}.dump())).error().code, Errc::invalid_request);
}

TEST_F(Jobs, DevicesAreAnsweredOverMqtt) {
    create("j1", {thing_arn("t1")});
    create("j2", {thing_arn("t1")});
    const auto ask = [&](const std::string& below, const std::string& payload) {
        shards[0].post([this, below, payload] {
            Message::Options options;
            const std::string topic = "$aws/things/t1/jobs/" + below;
            options.topic_name = topic;
            options.payload = payload;
            options.qos = Qos::at_least_once;
            options.origin = shadow::testing::World::connection("device");
            bus.publish(Message::create(std::move(options)), [](Result<void>) {});
        });
        return bus.next(below == "get" || below == "start-next" ? "$aws/things/t1/jobs/+/+" : "$aws/things/t1/jobs/+/+/+");
    };
    bus.take();
    json answer = ask("get", R"({"clientToken":"c"})");
    EXPECT_EQ(answer["topic"], "$aws/things/t1/jobs/get/accepted");
    EXPECT_EQ(answer["payload"]["queuedJobs"].size(), 2U);
    EXPECT_EQ(answer["payload"]["clientToken"], "c");
    EXPECT_EQ(answer["payload"]["timestamp"], now);
    answer = ask("start-next", "");
    EXPECT_EQ(answer["payload"]["execution"]["jobId"], "j1");
    answer = ask("$next/get", R"({"clientToken":"d"})");
    EXPECT_EQ(answer["topic"], "$aws/things/t1/jobs/$next/get/accepted");
    EXPECT_EQ(answer["payload"]["execution"]["status"], "IN_PROGRESS");
    answer = ask("j2/update", R"({"status":"SUCCEEDED","expectedVersion":5,"clientToken":"e"})");
    EXPECT_EQ(answer["topic"], "$aws/things/t1/jobs/j2/update/rejected");
    EXPECT_EQ(answer["payload"]["code"], "VersionMismatch");
    EXPECT_EQ(answer["payload"]["clientToken"], "e");
    EXPECT_EQ(answer["payload"]["executionState"]["versionNumber"], 1);
    answer = ask("j3/get", "");
    EXPECT_EQ(answer["payload"]["code"], "ResourceNotFound");
    answer = ask("j1/update", "{");
    EXPECT_EQ(answer["payload"]["code"], "InvalidJson");
}

}  // namespace
}  // namespace fogbank::jobs
