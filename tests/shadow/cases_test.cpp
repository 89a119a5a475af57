// The cases of tests/conformance/shadow, on the pure functions and through the service.
#include <gtest/gtest.h>

#include "shadow/errc.h"
#include "shadow/merge.h"
#include "shadow/rejection.h"
#include "shadow/update.h"
#include "tests/shadow/harness.h"
#include "tests/support/cases.h"

namespace fogbank::shadow {
namespace {

using fogbank::testing::Case;
using fogbank::testing::load_cases;
using nlohmann::json;

Value parsed(const json& value) {
    return *parse_value(value.dump(), ValueLimits());
}

class DeltaCase : public ::testing::TestWithParam<Case> {};
TEST_P(DeltaCase, IsWhatSeparatesReportedFromDesired) {
    const json& data = GetParam().data;
    const Value difference = delta(parsed(data["desired"]), parsed(data["reported"]));
    EXPECT_EQ(json::parse(to_json(difference)), data["delta"]);
}
INSTANTIATE_TEST_SUITE_P(Delta, DeltaCase, ::testing::ValuesIn(load_cases("shadow/delta.json")), fogbank::testing::NameOfCase());

class RejectionCase : public ::testing::TestWithParam<Case> {};
TEST_P(RejectionCase, NamesTheMistake) {
    const json& data = GetParam().data;
    const ParsedUpdate parsed_update = parse_update(data["payload"].get<std::string>(), Limits());
    ASSERT_FALSE(parsed_update.update.has_value());
    const Error& error = parsed_update.update.error();
    EXPECT_EQ(rejection_code(error.code), data["code"].get<unsigned>());
    EXPECT_EQ(error.message, data["message"].get<std::string>());
    EXPECT_EQ(parsed_update.client_token.value_or(""), data.value("clientToken", ""));
}
INSTANTIATE_TEST_SUITE_P(Rejections, RejectionCase, ::testing::ValuesIn(load_cases("shadow/rejections.json")),
                         fogbank::testing::NameOfCase());

/// One mistake: `rejected` and nothing else is published, and the shadow is what it was.
TEST_P(RejectionCase, ChangesAndPublishesNothingElse) {
    testing::World world;
    world.publish("$aws/things/thing/shadow/update", R"({"state":{"reported":{"kept":true}}})");
    world.bus.next("$aws/things/thing/shadow/update/documents");
    world.bus.take();

    const json& data = GetParam().data;
    world.publish("$aws/things/thing/shadow/update", data["payload"].get<std::string>());
    world.publish("$aws/things/thing/shadow/get", "");
    const json rejected = world.bus.next("$aws/things/thing/shadow/+/rejected");
    EXPECT_EQ(rejected["topic"], "$aws/things/thing/shadow/update/rejected");
    EXPECT_EQ(rejected["payload"]["code"], data["code"]);
    EXPECT_EQ(rejected["payload"]["message"], data["message"]);
    EXPECT_EQ(rejected["payload"].value("clientToken", ""), data.value("clientToken", ""));
    const json got = world.bus.next("$aws/things/thing/shadow/+/+");
    EXPECT_EQ(got["topic"], "$aws/things/thing/shadow/get/accepted");
    EXPECT_EQ(got["payload"]["version"], 1);
    ASSERT_EQ(world.activity.activities.size(), 1U);
    EXPECT_EQ(world.activity.activities[0].kind, "shadow_rejected");
    EXPECT_EQ(world.activity.activities[0].client_id, "device");
    EXPECT_EQ(world.activity.activities[0].thing_name, "thing");
}

class SequenceCase : public ::testing::TestWithParam<Case> {
  protected:
    void expect(const std::string& topic, const json& payload) {
        const json message = world.bus.next(prefix + "/#");
        EXPECT_EQ(message["topic"], prefix + "/" + topic);
        if (!payload.is_null()) {
            EXPECT_EQ(message["payload"], payload);
        }
    }
    void update(const json& step) {
        world.publish(prefix + "/update", step["update"].dump());
        expect("update", {});
        if (step.contains("rejected")) return expect("update/rejected", step["rejected"]);
        expect("update/accepted", step.value("accepted", json()));
        if (!step.contains("delta")) return world.bus.next(prefix + "/update/documents"), void();
        if (!step["delta"].is_null()) expect("update/delta", step["delta"]);
        expect("update/documents", step.value("documents", json()));
    }
    void simple(const std::string& operation, const json& step, const json& accepted) {
        world.publish(prefix + "/" + operation, "");
        expect(operation, {});
        if (step.contains("rejected")) return expect(operation + "/rejected", step["rejected"]);
        expect(operation + "/accepted", accepted);
    }

    testing::World world;
    std::string prefix;
};

// Topic by topic, in the order in which they are published, bodies in full.
TEST_P(SequenceCase, IsAnsweredOverMqtt) {
    const json& data = GetParam().data;
    const std::string shadow = data.value("shadow", "");
    prefix = topic_prefix({ThingName("thing"), shadow});
    world.clock.set(data["at"].get<std::int64_t>());
    for (const json& step : data["steps"]) {
        SCOPED_TRACE(step.dump());
        if (step.contains("at")) world.clock.set(step["at"].get<std::int64_t>());
        if (step.contains("update")) {
            update(step);
        } else if (step.contains("delete")) {
            simple("delete", step, step.value("accepted", json()));
        } else {
            simple("get", step, step.value("get", json()));
        }
    }
}

// The same answers, as REST gives them.
TEST_P(SequenceCase, IsAnsweredInside) {
    const json& data = GetParam().data;
    const ShadowName name{ThingName("thing"), data.value("shadow", "")};
    world.clock.set(data["at"].get<std::int64_t>());
    for (const json& step : data["steps"]) {
        SCOPED_TRACE(step.dump());
        if (step.contains("at")) world.clock.set(step["at"].get<std::int64_t>());
        const bool is_update = step.contains("update");
        const Operation operation = is_update ? Operation::update : step.contains("delete") ? Operation::remove : Operation::get;
        const Answer answer = world.ask(name, operation, is_update ? step["update"].dump() : "");
        if (step.contains("rejected")) {
            ASSERT_FALSE(answer.document.has_value());
            EXPECT_EQ(rejection_code(answer.document.error().code), step["rejected"]["code"].get<unsigned>());
            EXPECT_EQ(answer.document.error().message, step["rejected"]["message"].get<std::string>());
            continue;
        }
        ASSERT_TRUE(answer.document.has_value()) << answer.document.error().message;
        const json expected = operation == Operation::get ? step.value("get", json()) : step.value("accepted", json());
        if (!expected.is_null()) {
            EXPECT_EQ(json::parse(*answer.document), expected);
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Sequences, SequenceCase, ::testing::ValuesIn(load_cases("shadow/sequences.json")), fogbank::testing::NameOfCase());

}  // namespace
}  // namespace fogbank::shadow
