// What cases cannot say: order, races, failing stores, limits that count.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "shadow/rejection.h"
#include "store/kv/engine.h"
#include "tests/shadow/harness.h"

namespace fogbank::shadow {
namespace {

using nlohmann::json;
using testing::World;

/// Holds every commit back until told, and can fail them.
class SlowEngine final : public store::kv::Engine {
  public:
    boost::asio::awaitable<Result<std::optional<std::string>>> get(std::string key) override {
        if (fail_reads) return refused();
        return inner_->get(std::move(key));
    }
    boost::asio::awaitable<Result<std::vector<std::optional<std::string>>>> multi_get(std::vector<std::string> keys) override {
        return inner_->multi_get(std::move(keys));
    }
    boost::asio::awaitable<Result<store::kv::Page>> scan(store::kv::ScanOptions options) override {
        return inner_->scan(std::move(options));
    }
    void commit(store::kv::Batch batch, store::kv::CommitHandler done) override {
        std::unique_lock lock(mutex_);
        ++commits;
        if (hold) {
            held_.emplace_back(
                [this, batch = std::move(batch), done = std::move(done)]() mutable { finish(std::move(batch), std::move(done)); });
            arrived_.notify_all();
            return;
        }
        lock.unlock();
        finish(std::move(batch), std::move(done));
    }
    void transact(store::kv::TransactionBody body, store::kv::CommitHandler done) override {
        inner_->transact(std::move(body), std::move(done));
    }
    void stop() override {
        release();
        inner_->stop();
    }
    void wait_for_held(std::size_t count) {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return held_.size() >= count; });
    }
    void release() {
        std::vector<UniqueFunction<void()>> now;
        {
            const std::lock_guard lock(mutex_);
            hold = false;
            now = std::exchange(held_, {});
        }
        for (auto& one : now) one();
    }

    store::kv::Engine& inner() { return *inner_; }

    std::atomic<bool> hold{false}, fail_writes{false}, fail_reads{false};
    std::atomic<int> commits{0}, failures{0};  ///< failures: how many commits fail from now on

  private:
    static boost::asio::awaitable<Result<std::optional<std::string>>> refused() {
        co_return Error(store::kv::Errc::unavailable, "the disk is gone");
    }
    void finish(store::kv::Batch batch, store::kv::CommitHandler done) {
        if (fail_writes || (failures > 0 && failures-- > 0)) return done(Error(store::kv::Errc::unavailable, "the disk is full"));
        inner_->commit(std::move(batch), std::move(done));
    }
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<UniqueFunction<void()>> held_;
    std::unique_ptr<store::kv::Engine> inner_ = store::kv::make_memory_engine();
};

struct SlowWorld {
    explicit SlowWorld(QuotaProfile profile = QuotaProfile::aws) {
        auto made = std::make_unique<SlowEngine>();
        engine = made.get();
        world = std::make_unique<World>(profile, std::move(made));
    }
    SlowEngine* engine;
    std::unique_ptr<World> world;
};

const std::string update_topic = "$aws/things/t/shadow/update";

// Nothing is told, and nothing acknowledged, before the commit.
TEST(ShadowService, AnswersAndAcknowledgesAfterTheCommit) {
    SlowWorld slow;
    slow.engine->hold = true;
    std::promise<void> acknowledged;
    auto future = acknowledged.get_future();
    slow.world->publish(update_topic, R"({"state":{"reported":{"a":1}}})", [&](Result<void> result) {
        EXPECT_TRUE(result.has_value());
        acknowledged.set_value();
    });
    slow.engine->wait_for_held(1);
    const auto before = slow.world->bus.take();
    ASSERT_EQ(before.size(), 1U);  // the request itself
    EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    slow.engine->release();
    future.wait();
    EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/update/accepted")["payload"]["version"], 1);
}

// Requests that wait for a commit share the next one, in their order, each with its own version.
TEST(ShadowService, UpdatesThatWaitAreCommittedTogether) {
    SlowWorld slow(QuotaProfile::relaxed);
    slow.engine->hold = true;
    slow.world->publish(update_topic, R"({"state":{"reported":{"n":0}}})");
    slow.engine->wait_for_held(1);
    for (int i = 1; i <= 100; ++i) slow.world->publish(update_topic, R"({"state":{"reported":{"n":)" + std::to_string(i) + "}}}");
    slow.world->publish("$aws/things/t/shadow/get", "");
    slow.engine->release();
    for (int i = 0; i <= 100; ++i) {
        const json accepted = slow.world->bus.next("$aws/things/t/shadow/update/accepted");
        ASSERT_EQ(accepted["payload"]["version"], i + 1);
        ASSERT_EQ(accepted["payload"]["state"]["reported"]["n"], i);
    }
    EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/get/accepted")["payload"]["version"], 101);
    EXPECT_LE(slow.engine->commits, 4);
}

// What came during a commit has been carried out as if it succeeds. It fails: only those that it was for are refused.
TEST(ShadowService, RequestsAheadOfAFailedCommitAreCarriedOutAnew) {
    SlowWorld slow(QuotaProfile::relaxed);
    slow.engine->hold = true;
    const auto update = [&](int i) {
        slow.world->publish(update_topic,
                            R"({"state":{"reported":{"n)" + std::to_string(i) + R"(":1}},"clientToken":"c)" + std::to_string(i) + "\"}");
    };
    update(0);
    slow.engine->wait_for_held(1);
    for (int i = 1; i <= 3; ++i) update(i);
    slow.world->publish("$aws/things/t/shadow/get", "");
    slow.world->settle();
    slow.engine->failures = 1;
    slow.engine->release();
    const json rejected = slow.world->bus.next("$aws/things/t/shadow/update/rejected");
    EXPECT_EQ(rejected["payload"]["code"], 500);
    EXPECT_EQ(rejected["payload"]["clientToken"], "c0");
    for (int i = 1; i <= 3; ++i) {
        const json accepted = slow.world->bus.next("$aws/things/t/shadow/update/accepted");
        EXPECT_EQ(accepted["payload"]["version"], i);
        EXPECT_EQ(accepted["payload"]["clientToken"], "c" + std::to_string(i));
    }
    const json got = slow.world->bus.next("$aws/things/t/shadow/get/accepted");
    EXPECT_EQ(got["payload"]["state"]["reported"], json({{"n1", 1}, {"n2", 1}, {"n3", 1}}));
}

// The same when it is another writer that came first: nobody is refused, and nothing is lost.
TEST(ShadowService, RequestsAheadOfACommitThatCameTooLateAreCarriedOutAnew) {
    SlowWorld slow(QuotaProfile::relaxed);
    testing::Bus bus;
    Metrics metrics;
    auto other = make_shadow_service(
        {slow.engine->inner(), bus, bus, slow.world->shards, slow.world->clock, metrics, Quotas(QuotaProfile::aws), nullptr});
    slow.engine->hold = true;
    slow.world->publish(update_topic, R"({"state":{"reported":{"a":1}}})");
    slow.engine->wait_for_held(1);
    slow.world->publish(update_topic, R"({"state":{"reported":{"b":1}}})");
    slow.world->publish(update_topic, R"({"state":{"reported":{"c":1}}})");
    slow.world->settle();
    const ShadowName name{ThingName("t"), ""};
    const std::string payload = R"({"state":{"reported":{"other":1}}})";
    ASSERT_TRUE(fogbank::testing::run(other->request(name, Operation::update, payload, World::connection(""))).document.has_value());
    slow.engine->release();
    for (int version = 2; version <= 4; ++version)
        EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/update/accepted")["payload"]["version"], version);
    const json got = json::parse(*slow.world->ask(name, Operation::get).document);
    EXPECT_EQ(got["state"]["reported"], json({{"a", 1}, {"b", 1}, {"c", 1}, {"other", 1}}));
    other->stop();
}

TEST(ShadowService, AGetDuringACommitSeesIt) {
    SlowWorld slow;
    slow.engine->hold = true;
    slow.world->publish(update_topic, R"({"state":{"reported":{"a":1}}})");
    slow.engine->wait_for_held(1);
    slow.world->publish("$aws/things/t/shadow/get", "");
    slow.world->publish(update_topic, R"({"state":{"reported":{"a":2}},"version":7})");
    slow.world->settle();
    for (const MessagePtr& seen : slow.world->bus.take())
        EXPECT_EQ(seen->topic_name().find("ed"), std::string_view::npos);  // neither accepted nor rejected
    slow.engine->release();
    EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/get/accepted")["payload"]["version"], 1);
    EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/update/rejected")["payload"]["code"], 409);
    EXPECT_EQ(slow.engine->commits, 1);
}

TEST(ShadowService, AFailedCommitIsRejectedAndChangesNothing) {
    SlowWorld slow;
    slow.world->publish(update_topic, R"({"state":{"reported":{"a":1}}})");
    slow.world->bus.next("$aws/things/t/shadow/update/documents");
    slow.engine->fail_writes = true;
    slow.world->publish(update_topic, R"({"state":{"reported":{"a":2}},"clientToken":"x"})");
    const json rejected = slow.world->bus.next("$aws/things/t/shadow/update/+");
    EXPECT_EQ(rejected["topic"], "$aws/things/t/shadow/update/rejected");
    EXPECT_EQ(rejected["payload"]["code"], 500);
    EXPECT_EQ(rejected["payload"]["message"], "Internal service failure");
    EXPECT_EQ(rejected["payload"]["clientToken"], "x");
    slow.engine->fail_writes = false;
    slow.world->publish(update_topic, R"({"state":{"reported":{"b":1}}})");
    EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/update/accepted")["payload"]["version"], 2);
    const Answer answer = slow.world->ask({ThingName("t"), ""}, Operation::get);
    EXPECT_EQ(json::parse(*answer.document)["state"]["reported"], json({{"a", 1}, {"b", 1}}));
    slow.engine->fail_reads = true;
    EXPECT_EQ(rejection_code(slow.world->ask({ThingName("t"), ""}, Operation::get).document.error().code), 500U);
}

// Somebody else writes the same store: the update is carried out on what is there, and nobody's is lost.
TEST(ShadowService, AnotherWriterOfTheStoreIsSeen) {
    auto engine = store::kv::make_memory_engine();
    store::kv::Engine& shared = *engine;
    World first(QuotaProfile::aws, std::move(engine));
    testing::Bus bus;
    Metrics metrics;
    auto second = make_shadow_service({shared, bus, bus, first.shards, first.clock, metrics, Quotas(QuotaProfile::aws), nullptr});
    const ShadowName name{ThingName("t"), ""};
    const auto ask_second = [&](Operation operation, std::string payload) {
        return fogbank::testing::run(second->request(name, operation, std::move(payload), World::connection("")));
    };
    for (int i = 0; i < 20; ++i) {
        const std::string n = std::to_string(i);
        ASSERT_TRUE(first.ask(name, Operation::update, R"({"state":{"reported":{"a)" + n + R"(":1}}})").document.has_value());
        ASSERT_TRUE(ask_second(Operation::update, R"({"state":{"reported":{"b)" + n + R"(":1}}})").document.has_value());
    }
    const json got = json::parse(*first.ask(name, Operation::get).document);
    EXPECT_EQ(got["version"], 40);
    EXPECT_EQ(got["state"]["reported"].size(), 40U);
    EXPECT_TRUE(ask_second(Operation::remove, "").document.has_value());
    EXPECT_FALSE(first.ask(name, Operation::get).document.has_value());
    EXPECT_EQ(rejection_code(first.ask(name, Operation::update, R"({"state":{},"version":40})").document.error().code), 409U);
    second->stop();
}

// Many writers who read, add one and write with the version they read: every accepted one counts.
TEST(ShadowService, RacingWritersLoseNothing) {
    World world;
    const ShadowName name{ThingName("t"), "counter"};
    ASSERT_TRUE(world.ask(name, Operation::update, R"({"state":{"reported":{"n":0}}})").document.has_value());
    constexpr int writers = 8;
    constexpr int each = 40;
    std::atomic<int> conflicts{0};
    std::vector<std::thread> threads;
    for (int w = 0; w < writers; ++w) {
        threads.emplace_back([&] {
            for (int done = 0; done < each;) {
                const json now = json::parse(*world.ask(name, Operation::get).document);
                const json request{{"state", {{"reported", {{"n", now["state"]["reported"]["n"].get<int>() + 1}}}}},
                                   {"version", now["version"]}};
                const Answer answer = world.ask(name, Operation::update, request.dump());
                if (answer.document) {
                    ++done;
                } else {
                    ASSERT_EQ(rejection_code(answer.document.error().code), 409U);
                    ++conflicts;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const json end = json::parse(*world.ask(name, Operation::get).document);
    EXPECT_EQ(end["state"]["reported"]["n"], writers * each);
    EXPECT_EQ(end["version"], writers * each + 1);
}

TEST(ShadowService, TheEleventhUnansweredRequestOfAConnectionIsRefused) {
    SlowWorld slow;
    slow.engine->hold = true;
    for (int i = 0; i < 10; ++i) slow.world->publish(update_topic, R"({"state":{}})");
    slow.world->publish("$aws/things/t/shadow/name/other/get", R"({"clientToken":"eleven"})");
    const json rejected = slow.world->bus.next("$aws/things/t/shadow/name/other/get/rejected");
    EXPECT_EQ(rejected["payload"]["code"], 429);
    EXPECT_EQ(rejected["payload"]["clientToken"], "eleven");
    // Another thing and another connection have their own.
    slow.world->publish("$aws/things/u/shadow/get", "");
    EXPECT_EQ(slow.world->bus.next("$aws/things/u/shadow/get/rejected")["payload"]["code"], 404);
    slow.world->publish_as(World::connection("second"), "$aws/things/t/shadow/name/other/get", "");
    EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/name/other/get/rejected")["payload"]["code"], 404);
    slow.engine->release();
    for (int i = 0; i < 10; ++i) slow.world->bus.next("$aws/things/t/shadow/update/accepted");
    slow.world->publish("$aws/things/t/shadow/get", "");
    EXPECT_EQ(slow.world->bus.next("$aws/things/t/shadow/get/accepted")["payload"]["version"], 10);
}

TEST(ShadowService, TheDocumentIsBoundedAfterTheMerge) {
    World world;
    const ShadowName name{ThingName("t"), ""};
    const auto update = [&](const std::string& member, std::size_t bytes) {
        return world.ask(name, Operation::update, R"({"state":{"reported":{")" + member + R"(":")" + std::string(bytes, 'x') + "\"}}}");
    };
    constexpr std::size_t around = 8;  // {"a":""}
    EXPECT_TRUE(update("a", 8192 - around).document.has_value());
    const Answer larger = update("a", 8192 - around + 1);
    ASSERT_FALSE(larger.document.has_value());
    EXPECT_EQ(rejection_code(larger.document.error().code), 413U);
    EXPECT_EQ(larger.document.error().message, "The payload exceeds the maximum size allowed");
    EXPECT_EQ(rejection_code(update("b", 1).document.error().code), 413U);
    // White space and what removes members do not count.
    EXPECT_TRUE(world.ask(name, Operation::update, std::string(20'000, ' ') + R"({"state":{"reported":{"a":null,"zzzzzzzz":null}}})")
                    .document.has_value());
    EXPECT_TRUE(update("b", 100).document.has_value());
    EXPECT_EQ(rejection_code(world.ask(name, Operation::update, std::string(129 * 1024, ' ')).document.error().code), 413U);
}

// Updates that are carried out together are bounded as if they had come one by one.
TEST(ShadowService, TheDocumentIsBoundedWithinOneCommit) {
    const auto answers = [](bool together) {
        SlowWorld slow;
        std::vector<std::string> out;
        const auto take_answer = [&] {
            const json answer = slow.world->bus.next("$aws/things/t/shadow/update/+");
            const auto topic = answer["topic"].get<std::string>();
            if (topic.ends_with("documents") || topic.ends_with("delta")) return false;
            out.push_back(topic + " " + answer["payload"].value("version", json()).dump());
            return true;
        };
        slow.engine->hold = together;
        constexpr std::size_t updates = 10;
        for (std::size_t i = 0; i < updates; ++i) {
            const std::string text(i == 8 ? 10 : 1000, 'x');
            slow.world->publish(update_topic, R"({"state":{"reported":{"k)" + std::to_string(i) + R"(":")" + text + R"("}}})");
            while (!together && !take_answer()) continue;
        }
        if (together) {
            slow.engine->wait_for_held(1);
            slow.world->settle();
            slow.engine->release();
        }
        while (out.size() < updates) take_answer();
        return out;
    };
    const auto one_by_one = answers(false);
    EXPECT_EQ(answers(true), one_by_one);
    EXPECT_NE(one_by_one.back().find("rejected"), std::string::npos);
    EXPECT_NE(one_by_one[8].find("accepted"), std::string::npos);
}

TEST(ShadowService, NamesAreListedInOrderAndPages) {
    World world;
    for (const char* shadow : {"", "b", "a", "c", "d"}) {
        ASSERT_TRUE(world.ask({ThingName("t"), shadow}, Operation::update, R"({"state":{}})").document.has_value());
    }
    ASSERT_TRUE(world.ask({ThingName("t2"), "x"}, Operation::update, R"({"state":{}})").document.has_value());
    ASSERT_TRUE(world.ask({ThingName("t"), "c"}, Operation::remove).document.has_value());
    const auto list = [&](std::optional<std::string> after, std::size_t count) {
        return *fogbank::testing::run(world.service->list_named(ThingName("t"), std::move(after), count));
    };
    EXPECT_EQ(list({}, 10).names, (std::vector<std::string>{"a", "b", "d"}));
    EXPECT_FALSE(list({}, 3).more);
    EXPECT_EQ(list({}, 2).names, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(list({}, 2).more);
    EXPECT_EQ(list("b", 2).names, (std::vector<std::string>{"d"}));
    EXPECT_FALSE(fogbank::testing::run(world.service->list_named(ThingName("no such thing"), {}, 5)).has_value());
    EXPECT_TRUE(fogbank::testing::run(world.service->list_named(ThingName("unknown"), {}, 5))->names.empty());
}

// Each deletion clears away what was deleted long ago.
TEST(ShadowService, DeletedShadowsAreForgottenAfterTwoDays) {
    World world;
    const auto stored = [&] {
        store::kv::ScanOptions all;
        return fogbank::testing::run(world.engine->scan(all))->items.size();
    };
    world.clock.set(1000);
    for (int i = 0; i < 5; ++i) {
        const ShadowName name{ThingName("t" + std::to_string(i)), ""};
        ASSERT_TRUE(world.ask(name, Operation::update, R"({"state":{}})").document.has_value());
        ASSERT_TRUE(world.ask(name, Operation::remove).document.has_value());
    }
    EXPECT_EQ(stored(), 10U);
    ASSERT_TRUE(world.ask({ThingName("t0"), ""}, Operation::update, R"({"state":{}})").document.has_value());  // lives again
    EXPECT_EQ(stored(), 9U);
    world.clock.set(1000 + 48 * 3600 + 1);
    ASSERT_TRUE(world.ask({ThingName("late"), ""}, Operation::update, R"({"state":{}})").document.has_value());
    ASSERT_TRUE(world.ask({ThingName("late"), ""}, Operation::remove).document.has_value());
    // t0's document, and the record and mark of `late`. The sweep runs beside the answer: ask the shards until it is through.
    while (stored() != 3) std::this_thread::yield();
    EXPECT_EQ(json::parse(*world.ask({ThingName("t0"), ""}, Operation::get).document)["version"], 2);
}

TEST(ShadowService, AWillIsNotARequest) {
    World world;
    auto will = std::make_shared<MessageOrigin>(*world.client);
    will->last_will = true;
    world.publish_as(will, update_topic, R"({"state":{"reported":{"connected":false}}})");
    EXPECT_FALSE(world.ask({ThingName("t"), ""}, Operation::get).document.has_value());
}

TEST(ShadowService, AnInvalidNameIsRejectedOnItsOwnTopic) {
    World world;
    world.publish("$aws/things/a b/shadow/get", R"({"clientToken":"t"})");
    const json rejected = world.bus.next("$aws/things/+/shadow/get/rejected");
    EXPECT_EQ(rejected["topic"], "$aws/things/a b/shadow/get/rejected");
    EXPECT_EQ(rejected["payload"]["code"], 400);
    EXPECT_EQ(rejected["payload"]["clientToken"], "t");
}

// Over HTTP a failure stays with the caller, a success is told to everybody; a get is not.
TEST(ShadowService, RestTellsSuccessOnTheTopics) {
    World world;
    const ShadowName name{ThingName("t"), ""};
    EXPECT_FALSE(world.ask(name, Operation::get).document.has_value());
    EXPECT_FALSE(world.ask(name, Operation::update, "x").document.has_value());
    EXPECT_FALSE(world.ask(name, Operation::remove).document.has_value());
    EXPECT_TRUE(world.bus.take().empty());
    EXPECT_EQ(world.activity.activities.size(), 3U);
    ASSERT_TRUE(world.ask(name, Operation::update, R"({"state":{"desired":{"a":1}}})").document.has_value());
    std::vector<std::string> topics;
    for (const auto& message : world.bus.take()) {
        topics.emplace_back(message->topic_name());
        EXPECT_EQ(message->qos(), Qos::at_least_once);
        EXPECT_FALSE(message->retain());
    }
    EXPECT_EQ(topics, (std::vector<std::string>{update_topic + "/accepted", update_topic + "/delta", update_topic + "/documents"}));
    ASSERT_TRUE(world.ask(name, Operation::get).document.has_value());
    EXPECT_TRUE(world.bus.take().empty());
    ASSERT_TRUE(world.ask(name, Operation::remove).document.has_value());
    ASSERT_EQ(world.bus.take().size(), 1U);
}

TEST(ShadowService, AfterStopRequestsAreRefused) {
    World world;
    world.service->stop();
    world.publish(update_topic, R"({"state":{}})");
    EXPECT_EQ(world.bus.take().size(), 1U);
    EXPECT_EQ(rejection_code(world.ask({ThingName("t"), ""}, Operation::get).document.error().code), 503U);
}

}  // namespace
}  // namespace fogbank::shadow
