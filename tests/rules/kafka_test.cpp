// The kafka action's sender against librdkafka's own mock cluster.

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/kafka.h"
#include "tests/support/fakes.h"

namespace fogbank::rules {
namespace {

struct MockCluster {
    MockCluster() {
        char text[256];
        handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
        cluster = rd_kafka_mock_cluster_new(handle, 1);
        rd_kafka_mock_topic_create(cluster, "t", 1, 1);
    }
    ~MockCluster() {
        rd_kafka_mock_cluster_destroy(cluster);
        rd_kafka_destroy(handle);
    }
    std::string bootstrap() const { return rd_kafka_mock_cluster_bootstraps(cluster); }
    rd_kafka_t* handle;
    rd_kafka_mock_cluster_t* cluster;
};

nlohmann::json record(const std::string& bootstrap) {
    return {{"topic", "t"},
            {"key", base64_encode("k1")},
            {"value", base64_encode(R"({"a":1})")},
            {"headers", nlohmann::json::array({{{"key", "h"}, {"value", "v"}}})},
            {"properties", {{"bootstrap.servers", bootstrap}, {"security.protocol", "plaintext"}}}};
}

/// The first record of topic t.
std::string consumed(const std::string& bootstrap) {
    char text[256];
    rd_kafka_conf_t* configuration = rd_kafka_conf_new();
    rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrap.c_str(), text, sizeof text);
    rd_kafka_conf_set(configuration, "group.id", "g", text, sizeof text);
    rd_kafka_conf_set(configuration, "auto.offset.reset", "earliest", text, sizeof text);
    rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, text, sizeof text);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, "t", 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, topics);
    std::string out;
    constexpr int patience_ms = 20'000;
    if (rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, patience_ms); message != nullptr) {
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            out = std::string(static_cast<const char*>(message->key), message->key_len) + "=" +
                  std::string(static_cast<const char*>(message->payload), message->len);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(topics);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return out;
}

TEST(KafkaSender, ARecordArrivesWithItsKey) {
    MockCluster mock;
    const auto sender = make_kafka_sender({});
    const auto sent = fogbank::testing::run(sender->send(record(mock.bootstrap()).dump()));
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(consumed(mock.bootstrap()), R"(k1={"a":1})");
}

TEST(KafkaSender, RefusesPropertiesThatLibrdkafkaDoesNotTake) {
    const auto sender = make_kafka_sender({});
    auto bad = record("127.0.0.1:1");
    bad["properties"]["acks"] = "many";
    const auto sent = fogbank::testing::run(sender->send(bad.dump()));
    ASSERT_FALSE(sent);
    EXPECT_NE(sent.error().message.find("acks"), std::string::npos);
}

}  // namespace
}  // namespace fogbank::rules
