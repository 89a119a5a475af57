// Rates of the account, and those quotas whose consequence no packet shows; the others are cases in tests/conformance/broker/aws.json.
#include <gtest/gtest.h>

#include <random>

#include "broker/rates.h"
#include "tests/broker/test_broker.h"

namespace fogbank::broker::testing {
namespace {

SteadyTime at(std::chrono::milliseconds time) {
    return SteadyTime(time);
}

/// The textbook bucket, as an oracle.
class Bucket {
  public:
    Bucket(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}
    bool take(std::chrono::milliseconds now) {
        tokens_ = std::min(burst_, tokens_ + static_cast<double>((now - at_).count()) / 1000 * per_second_);
        at_ = now;
        if (tokens_ < 1 - 1e-6) return false;
        tokens_ -= 1;
        return true;
    }

  private:
    double per_second_, burst_, tokens_;
    std::chrono::milliseconds at_{0};
};

TEST(Rates, AgreeWithABucketOfTokens) {
    std::mt19937 random(7);
    Rate rate(10, 5);
    RatePerKey per_key(10, 5);
    Bucket bucket(10, 5);
    std::chrono::milliseconds now{100'000};
    for (int i = 0; i < 10'000; ++i) {
        now += std::chrono::milliseconds(random() % 200);
        const bool expected = bucket.take(now);
        EXPECT_EQ(rate.take(at(now)), expected) << i;
        EXPECT_EQ(per_key.take("key", at(now)), expected) << i;
    }
}

TEST(Rates, WithoutALimitEverythingPasses) {
    const Quotas relaxed(QuotaProfile::relaxed);
    AccountRates rates(relaxed);
    EXPECT_FALSE(rates.publishes.is_limited());
    EXPECT_FALSE(rates.connects_of_client.is_limited());
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(rates.publishes.take(at(std::chrono::milliseconds(1))));
        EXPECT_TRUE(rates.connects_of_client.take("c", at(std::chrono::milliseconds(1))));
    }
}

TEST(Rates, RememberABoundedNumberOfKeys) {
    RatePerKey rate(1, 1);
    for (int i = 0; i < 200'000; ++i) EXPECT_TRUE(rate.take(std::to_string(i), at(std::chrono::milliseconds(1000))));
    EXPECT_FALSE(rate.take("0", at(std::chrono::milliseconds(1000)))) << "the first ones are remembered";
    EXPECT_TRUE(rate.take("0", at(std::chrono::milliseconds(2000))));
}

TestBroker::Options with(Quota quota, std::int64_t limit) {
    TestBroker::Options options;
    options.quotas.emplace_back(quota, limit);
    return options;
}

TEST(Quotas, PublishesOfTheAccountArePaced) {
    TestBroker broker(with(Quota::publishes_per_second, 2));
    MqttClient one = broker.connected("1"), other = broker.connected("2");
    one.publish("a", "x", 1);
    one.expect_puback(1);
    one.publish("a", "x", 2);
    one.expect_puback(2);
    other.publish("a", "x", 3);
    one.ping();
    broker.clock.advance(std::chrono::milliseconds(500));
    other.expect_puback(3);
}

TEST(Quotas, DeliveriesOfTheAccountAreDropped) {
    TestBroker broker(with(Quota::deliveries_per_second, 2));
    MqttClient client = broker.connected("c");
    client.subscribe("a", 1);
    client.publish("a", "1");
    client.publish("a", "2");
    client.publish("a", "3");
    client.publish("a", "4", 1);
    EXPECT_EQ(client.receive_publish()->payload, "1");
    EXPECT_EQ(client.receive_publish()->payload, "2");
    std::string rest = client.receive_packet();
    if (static_cast<unsigned char>(rest[0]) >> 4 == 4) rest = client.receive_packet();
    EXPECT_EQ(rest.back(), '4') << "QoS 1 is sent";
    EXPECT_EQ(broker.dropped("rate"), 1U);
}

TEST(Quotas, CallsAboutConnectionsAreThrottled) {
    TestBroker broker(with(Quota::connection_calls_per_second, 12));
    Connections& connections = broker.broker->connections();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(connections.admit(ConnectionCall::get_connection, ClientId("c")));
    EXPECT_FALSE(connections.admit(ConnectionCall::get_connection, ClientId("c"))) << "of one client id";
    EXPECT_TRUE(connections.admit(ConnectionCall::delete_connection, ClientId("c"))) << "each operation has its own";
    EXPECT_TRUE(connections.admit(ConnectionCall::get_connection, ClientId("d")));
    EXPECT_TRUE(connections.admit(ConnectionCall::get_connection, ClientId("e")));
    EXPECT_FALSE(connections.admit(ConnectionCall::get_connection, ClientId("f"))) << "of the account";
    broker.clock.advance(std::chrono::seconds(1));
    EXPECT_TRUE(connections.admit(ConnectionCall::get_connection, ClientId("c")));
}

}  // namespace
}  // namespace fogbank::broker::testing
