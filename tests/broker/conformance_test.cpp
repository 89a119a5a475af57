// The standards' statements about a server, and AWS's documented behaviour, as scripts of bytes: tests/conformance/broker/mqtt3.json,
// mqtt5.json and aws.json. Which clauses there are, and what shows those that no script can: clauses.json.
//
// A step is one string. `a` and other letters name connections:
//     "a=4 id"  connects with MQTT 3.1.1, a clean session and this client id ("a=4p id": without clean session); a connection that is there
//     is
//               left open. "a=5 id": MQTT 5, clean start; "a=5p id": without clean start and with a session expiry of 100 s
//     "a> …"    sends bytes (packet_script.h);  "a< …" expects exactly them;  "a<~ …" expects a packet that begins with them
//     "a?"      whatever was sent before has been handled and nothing has come: PINGREQ, PINGRESP
//     "a."      the server closes;  "a-" the client closes without DISCONNECT, and the server has seen it
//     "+1500"   so many milliseconds pass
//     "restart" the server stops and another one starts on the same store
//     "forbid iot:Publish topic"   from now on
// `quotas` sets other limits than the profile's, so that a few packets reach them; `quota` names the row of the quota table that the case
// shows. `profile` is `aws` unless it says `relaxed`; `deviation` says where AWS does not do what the clause wants, and why it is so here.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "store/kv/memory_engine.h"
#include "tests/broker/packet_script.h"
#include "tests/broker/test_broker.h"
#include "tests/broker/tls_client.h"
#include "tests/support/cases.h"

namespace fogbank::broker::testing {
namespace {

using fogbank::testing::Case;

class Script {
  public:
    /// @param secure  over TLS: on the plain port everything is allowed.
    Script(QuotaProfile profile, bool secure, std::vector<std::pair<Quota, std::int64_t>> quotas)
        : profile_(profile), secure_(secure), quotas_(std::move(quotas)), store_(store::kv::make_memory_engine()) {
        start();
    }

    void step(const std::string& text) {
        SCOPED_TRACE(text);
        if (text == "restart") {
            clients_.clear();
            broker_.reset();
            start();
        } else if (text.front() == '+') {
            broker_->clock.advance(std::chrono::milliseconds(std::stoi(text.substr(1))));
        } else if (text.starts_with("forbid ")) {
            forbid(text.substr(7));
        } else {
            client_step(text.front(), text.substr(1));
        }
    }

  private:
    void start() {
        TestBroker::Options options;
        options.profile = profile_;
        options.quotas = quotas_;
        options.store = store_.get();
        if (secure_) {
            options.certificate_chain_pem = TestPki::instance().server.certificate_pem;
            options.private_key_pem = TestPki::instance().server.key_pem;
        }
        broker_ = std::make_unique<TestBroker>(options);
    }
    void forbid(const std::string& what) {
        const std::size_t space = what.find(' ');
        for (const IotAction action :
             {IotAction::connect, IotAction::publish, IotAction::retain_publish, IotAction::subscribe, IotAction::receive}) {
            if (iot_action_name(action) == what.substr(0, space)) broker_->authenticator.rulebook.forbid(action, what.substr(space + 1));
        }
    }
    std::unique_ptr<MqttClient> open() {
        if (!secure_) return std::make_unique<MqttClient>(broker_->ports.mqtt);
        TlsOptions options;
        options.identity = &TestPki::instance().device_p256;
        return std::make_unique<MqttClient>(std::make_unique<TlsClientSocket>(broker_->ports.mqtts, options));
    }
    MqttClient& client(char name) {
        auto& client = clients_[name];
        if (!client) client = open();
        return *client;
    }
    void client_step(char name, const std::string& what) {
        if (what.front() == '=') return connect(name, what.substr(1));
        MqttClient& peer = client(name);
        if (what.front() == '>') {
            peer.send(PacketScript::bytes(what.substr(1)));
        } else if (what.starts_with("<~")) {
            const std::string expected = PacketScript::bytes(what.substr(2));
            EXPECT_EQ(hex_encode(peer.receive_packet().substr(0, expected.size())), hex_encode(expected));
        } else if (what.front() == '<') {
            const std::string expected = PacketScript::bytes(what.substr(1));
            EXPECT_EQ(hex_encode(peer.receive(expected.size())), hex_encode(expected));
        } else if (what == "?") {
            peer.ping();
        } else if (what == ".") {
            EXPECT_TRUE(peer.closed());
        } else if (what == "-") {
            const std::int64_t before = broker_->connections();
            clients_.erase(name);
            EXPECT_TRUE(eventually([&] { return broker_->connections() == before - 1; }));
        } else {
            FAIL() << "unknown step";
        }
    }
    void connect(char name, const std::string& how) {
        const bool mqtt5 = how.front() == '5';
        const bool persistent = how[1] == 'p';
        const std::string id = how.substr(persistent ? 3 : 2);
        clients_[name] = open();
        const std::string flags = persistent ? "00" : "02";
        const std::string properties = mqtt5 ? (persistent ? "(11 00000064)" : "()") : "";
        client(name).send(
            PacketScript::bytes("10 [s'MQTT' 0" + how.substr(0, 1) + " " + flags + " 003c " + properties + " s'" + id + "']"));
        const std::string connack = client(name).receive_packet();
        ASSERT_GE(connack.size(), 4U);
        EXPECT_EQ(hex_encode(connack.substr(3, 1)), "00") << hex_encode(connack);
    }

    QuotaProfile profile_;
    bool secure_;
    std::vector<std::pair<Quota, std::int64_t>> quotas_;
    std::unique_ptr<store::kv::Engine> store_;
    std::unique_ptr<TestBroker> broker_;
    std::map<char, std::unique_ptr<MqttClient>> clients_;
};

Quota quota_named(const std::string& name) {
    for (const QuotaRow& row : quota_table()) {
        if (row.name == name) return row.quota;
    }
    throw std::runtime_error("no quota is named " + name);
}

void run(const Case& c) {
    const auto& steps = c.data["steps"];
    const bool secure =
        std::any_of(steps.begin(), steps.end(), [](const auto& step) { return step.template get<std::string>().starts_with("forbid"); });
    std::vector<std::pair<Quota, std::int64_t>> quotas;
    const auto given = c.data.value("quotas", nlohmann::json::object());
    for (const auto& [name, limit] : given.items()) quotas.emplace_back(quota_named(name), limit.get<std::int64_t>());
    Script script(c.data.value("profile", "aws") == "relaxed" ? QuotaProfile::relaxed : QuotaProfile::aws, secure, std::move(quotas));
    for (const auto& step : c.data["steps"]) script.step(step.get<std::string>());
}

class Mqtt3Clauses : public ::testing::TestWithParam<Case> {};
TEST_P(Mqtt3Clauses, Hold) {
    run(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Cases, Mqtt3Clauses, ::testing::ValuesIn(fogbank::testing::load_cases("broker/mqtt3.json")),
                         fogbank::testing::NameOfCase());

class Mqtt5Clauses : public ::testing::TestWithParam<Case> {};
TEST_P(Mqtt5Clauses, Hold) {
    run(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Cases, Mqtt5Clauses, ::testing::ValuesIn(fogbank::testing::load_cases("broker/mqtt5.json")),
                         fogbank::testing::NameOfCase());

class AwsRows : public ::testing::TestWithParam<Case> {};
TEST_P(AwsRows, Hold) {
    run(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Cases, AwsRows, ::testing::ValuesIn(fogbank::testing::load_cases("broker/aws.json")),
                         fogbank::testing::NameOfCase());

/// The ids in the sources of the files' cases.
std::set<std::string> shown_clauses(const nlohmann::json& files) {
    static const std::regex id("MQTT-([0-9]+[-.][0-9.]+-[0-9]+)");
    std::set<std::string> out;
    for (const auto& file : files) {
        for (const Case& c : fogbank::testing::load_cases(file.get<std::string>())) {
            const std::string source = c.data.value("source", "");
            for (std::sregex_iterator match(source.begin(), source.end(), id), end; match != end; ++match) out.insert((*match)[1]);
        }
    }
    return out;
}

TEST(Clauses, EachAboutAServerHasACase) {
    for (const Case& standard : fogbank::testing::load_cases("broker/clauses.json")) {
        SCOPED_TRACE(standard.name);
        std::set<std::string> shown = shown_clauses(standard.data["files"]);
        for (const auto& clause : standard.data["server"]) {
            const bool elsewhere = standard.data["elsewhere"].contains(clause.get<std::string>());
            EXPECT_TRUE((shown.erase(clause.get<std::string>()) != 0) != elsewhere) << clause;
        }
        for (const auto& clause : standard.data["client"]) shown.erase(clause.get<std::string>());
        for (const std::string& unknown : shown) ADD_FAILURE() << "the standard has no " << unknown;
    }
}

// What cannot be shown in packets alone, and where it is.
const std::map<std::string, std::string> tested_elsewhere{
    {"websocket_duration_s", "doors_test"},
    {"publishes_per_second_per_connection", "plain_flow_test"},
    {"received_bytes_per_second_per_connection", "plain_flow_test"},
    {"inflight_qos1_inbound", "plain_flow_test"},
    {"connection_calls_per_second", "quotas_test"},
    {"connection_calls_per_second_per_client_id", "quotas_test"},
    {"direct_messages_per_second", "quotas_test"},
    {"publishes_per_second", "quotas_test"},
    {"deliveries_per_second", "quotas_test"},
};

TEST(Quotas, EachOfTheBrokerHasACase) {
    std::set<std::string> shown;
    for (const char* file : {"broker/aws.json", "broker/mqtt3.json", "broker/mqtt5.json"}) {
        for (const Case& c : fogbank::testing::load_cases(file)) shown.insert(c.data.value("quota", ""));
    }
    for (const QuotaRow& row : quota_table()) {
        if (row.quota >= Quota::rule_payload_bytes) break;  // the other rooms'
        EXPECT_TRUE(shown.contains(std::string(row.name)) || tested_elsewhere.contains(std::string(row.name))) << row.name;
    }
}

}  // namespace
}  // namespace fogbank::broker::testing
