#include "broker/router.h"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <random>

#include "common/topic.h"
#include "tests/broker/test_broker.h"

namespace fogbank::broker::testing {
namespace {

MessagePtr message(std::string_view topic, std::string_view payload = "x", Qos qos = Qos::at_most_once) {
    static const auto origin = std::make_shared<const MessageOrigin>();
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.qos = qos;
    options.origin = origin;
    return Message::create(std::move(options));
}

struct RouterTest : ::testing::Test {
    ShardPool pool{2};
    SharedClock clock;
    Metrics metrics;
    std::unique_ptr<Router> router = make_router(pool, clock, metrics, Quotas(QuotaProfile::aws));

    RouterTest() { pool.start(); }
    ~RouterTest() override { pool.stop(); }
    /// On the thread of a shard, and to the end.
    void on_shard(std::size_t index, std::function<void()> task) {
        std::promise<void> done;
        pool[index].post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    std::uint64_t nested_dropped() { return metrics.counter("fogbank_broker_nested_publishes_dropped_total", "").value(); }
};

TEST_F(RouterTest, AgreesWithTheObviousMatcherWhileSubscriptionsChange) {
    std::mt19937 random(7);
    const std::vector<std::string> levels{"a", "b", "", "+", "$x"};
    const auto pick = [&](bool filter) {
        std::string text;
        const std::size_t depth = 1 + random() % 4;
        for (std::size_t i = 0; i < depth; ++i) {
            std::string level = levels[random() % levels.size()];
            if (level == "+" && !filter) level = "a";
            text += (i == 0 ? "" : "/") + level;
        }
        if (filter && random() % 3 == 0) text += "/#";
        return text.empty() ? std::string("a") : text;
    };
    std::vector<std::shared_ptr<Recorder>> subscribers;
    for (int i = 0; i < 20; ++i) subscribers.push_back(std::make_shared<Recorder>());
    std::map<std::pair<std::string, std::size_t>, int> model;
    std::vector<std::size_t> expected(subscribers.size());
    for (int round = 0; round < 300; ++round) {
        const std::string filter = pick(true);
        const std::size_t who = random() % subscribers.size();
        if (random() % 3 != 0) {
            router->subscribe(filter, subscribers[who], {});
            model[{filter, who}] = 1;
        } else {
            EXPECT_EQ(router->unsubscribe(filter, *subscribers[who]), model.erase({filter, who}) == 1);
        }
        const std::string topic = pick(false);
        on_shard(random() % 2, [&] {
            // Twice: the second finds the matches remembered.
            router->publish(message(topic), nullptr);
            router->publish(message(topic), nullptr);
        });
        for (const auto& [subscription, present] : model) {
            if (topic_matches(subscription.first, topic)) expected[subscription.second] += 2;
        }
        for (std::size_t i = 0; i < subscribers.size(); ++i) ASSERT_EQ(subscribers[i]->count(), expected[i]) << topic << " round " << round;
    }
}

TEST_F(RouterTest, AcknowledgesAtOnceWhenNobodyHolds) {
    bool done = false;
    on_shard(0, [&] {
        router->publish(message("t", "x", Qos::at_least_once), [&](Result<void> result) { done = result.has_value(); });
        EXPECT_TRUE(done);
    });
}

TEST_F(RouterTest, AcknowledgesWithTheFirstFailure) {
    auto holder = std::make_shared<Recorder>(true);
    router->subscribe("t", holder, {});
    auto other = std::make_shared<Recorder>(true);
    router->subscribe("+", other, {});
    std::string text;
    on_shard(0, [&] {
        router->publish(message("t", "x", Qos::at_least_once), [&](Result<void> result) { text = result ? "ok" : result.error().message; });
    });
    holder->take_hold(0).fail(Error(CommonErrc::io_error, "first"));
    EXPECT_EQ(text, "");
    other->take_hold(0).fail(Error(CommonErrc::io_error, "second"));
    EXPECT_EQ(text, "first");
}

TEST_F(RouterTest, AHoldOfAQos0PublishIsEmpty) {
    auto holder = std::make_shared<Recorder>(true);
    router->subscribe("t", holder, {});
    on_shard(0, [&] { router->publish(message("t"), nullptr); });
    EXPECT_FALSE(holder->take_hold(0));
}

/// Publishes again whatever it is given.
class Republisher final : public Subscriber {
  public:
    Republisher(Publisher& publisher, std::string topic, int copies) : publisher_(publisher), topic_(std::move(topic)), copies_(copies) {}
    void deliver(const MessagePtr&, const SubscriptionOptions&, PublishContext&) override {
        ++delivered;
        depth_max = std::max(depth_max, ++depth_);
        for (int i = 0; i < copies_; ++i) {
            publisher_.publish(message(topic_, "again", Qos::at_least_once), [this](Result<void> result) { failed += result ? 0 : 1; });
        }
        --depth_;
    }
    int delivered = 0, failed = 0, depth_max = 0;

  private:
    Publisher& publisher_;
    std::string topic_;
    int copies_;
    int depth_ = 0;
};

TEST_F(RouterTest, AMessageThatCausesItselfIsCut) {
    auto loop = std::make_shared<Republisher>(*router, "loop", 1);
    router->subscribe("loop", loop, {});
    on_shard(0, [&] { router->publish(message("loop"), nullptr); });
    EXPECT_EQ(loop->delivered, 17);  // the first, and sixteen that it caused
    EXPECT_EQ(loop->failed, 1);
    EXPECT_EQ(loop->depth_max, 1);
    EXPECT_EQ(nested_dropped(), 1U);
    // The next one starts anew.
    on_shard(0, [&] { router->publish(message("loop"), nullptr); });
    EXPECT_EQ(loop->delivered, 34);
}

TEST_F(RouterTest, AMessageThatMultipliesIsBounded) {
    auto loop = std::make_shared<Republisher>(*router, "loop", 4);
    router->subscribe("loop", loop, {});
    on_shard(0, [&] { router->publish(message("loop"), nullptr); });
    EXPECT_GT(nested_dropped(), 0U);
    EXPECT_EQ(loop->depth_max, 1);
}

TEST_F(RouterTest, NestedPublishesComeAfterTheOneThatCausedThem) {
    auto before = std::make_shared<Recorder>();
    auto republisher = std::make_shared<Republisher>(*router, "all/second", 1);
    router->subscribe("all/first", republisher, {});
    router->subscribe("all/#", before, {});
    on_shard(1, [&] { router->publish(message("all/first", "first"), nullptr); });
    EXPECT_EQ(before->payloads(), (std::vector<std::string>{"first", "again"}));
}

TEST_F(RouterTest, ReadersAndWritersTogether) {
    std::atomic<bool> stop{false};
    auto steady = std::make_shared<Recorder>();
    router->subscribe("t/+", steady, {});
    std::vector<std::thread> threads;
    std::atomic<std::size_t> published{0};
    for (std::size_t shard = 0; shard < 2; ++shard) {
        threads.emplace_back([&, shard] {
            for (int i = 0; i < 300; ++i) {
                on_shard(shard, [&] {
                    for (int k = 0; k < 5; ++k) router->publish(message("t/" + std::to_string(k)), nullptr);
                    published += 5;
                });
            }
        });
    }
    std::thread writer([&] {
        while (!stop) {
            auto passing = std::make_shared<Recorder>();
            router->subscribe("t/#", passing, {});
            router->unsubscribe("t/#", *passing);
        }
    });
    for (auto& thread : threads) thread.join();
    stop = true;
    writer.join();
    EXPECT_EQ(steady->count(), published);
}

}  // namespace
}  // namespace fogbank::broker::testing
