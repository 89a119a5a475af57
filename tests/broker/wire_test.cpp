// Scripts of bytes: what a client sends, what it must see, how its connection ends.
#include <gtest/gtest.h>

#include "tests/broker/test_broker.h"
#include "tests/support/cases.h"

namespace fogbank::broker::testing {
namespace {

using fogbank::testing::Case;

class Wire : public ::testing::TestWithParam<Case> {};

TEST_P(Wire, GoesAsScripted) {
    const auto& script = GetParam().data;
    TestBroker broker(script.value("profile", "aws") == "relaxed" ? QuotaProfile::relaxed : QuotaProfile::aws);
    MqttClient client = broker.client();
    for (const auto& step : script["steps"]) {
        if (step.contains("send")) {
            client.send_hex(step["send"].get<std::string>());
        } else if (step.contains("expect")) {
            const std::string expected = step["expect"].get<std::string>();
            ASSERT_EQ(hex_encode(client.receive(expected.size() / 2)), expected);
        } else {
            ASSERT_TRUE(client.closed());
        }
    }
    if (!script.contains("disconnect")) {
        client.ping();
        return;
    }
    const std::string reason = script["disconnect"].get<std::string>();
    for (const DisconnectReason each : all_disconnect_reasons) {
        EXPECT_EQ(broker.disconnects(each), disconnect_reason_name(each) == reason ? 1U : 0U) << disconnect_reason_name(each);
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, Wire, ::testing::ValuesIn(fogbank::testing::load_cases("broker/wire.json")),
                         fogbank::testing::NameOfCase());

}  // namespace
}  // namespace fogbank::broker::testing
