/// The service between an engine in memory, real shards and a topic index of its own: a request topic in, what was published out.
#pragma once

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/topic.h"
#include "shadow/shadow_service.h"
#include "store/kv/errc.h"
#include "store/kv/memory_engine.h"
#include "tests/support/fakes.h"

namespace fogbank::shadow::testing {

using nlohmann::json;

/// A clock that tests set; read from several threads.
class SharedClock final : public Clock {
  public:
    WallTime now() const override { return WallTime(std::chrono::milliseconds(milliseconds_.load())); }
    SteadyTime steady() const override { return {}; }
    void set(std::int64_t seconds) { milliseconds_ = seconds * 1000; }

  private:
    std::atomic<std::int64_t> milliseconds_{1'700'000'000'000};
};

/// Matches by the reference matcher; keeps everything that is published.
class Bus final : public TopicIndex, public Publisher {
  public:
    void subscribe(std::string_view topic_filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options) override {
        const std::lock_guard lock(mutex_);
        subscriptions_.push_back({std::string(topic_filter), std::move(subscriber), options});
    }
    bool unsubscribe(std::string_view topic_filter, const Subscriber& subscriber) override {
        const std::lock_guard lock(mutex_);
        return std::erase_if(subscriptions_, [&](const auto& s) { return s.filter == topic_filter && s.subscriber.get() == &subscriber; }) >
               0;
    }
    void publish(MessagePtr message, Acknowledgement::Callback done) override {
        std::vector<Subscription> matching;
        {
            const std::lock_guard lock(mutex_);
            for (const Subscription& s : subscriptions_) {
                if (topic_matches(s.filter, message->topic_name())) matching.push_back(s);
            }
            messages_.push_back(message);
            arrived_.notify_all();
        }
        Context context(std::move(done));
        for (const Subscription& s : matching) s.subscriber->deliver(message, s.options, context);
        context.finish();
    }

    /// Waits until a message matches; it and what came before it is taken away. Fails by time only when it would wait for ever.
    json next(std::string_view topic_filter) {
        std::unique_lock lock(mutex_);
        json out;
        arrived_.wait_for(lock, std::chrono::seconds(30), [&] {
            for (auto at = messages_.begin(); at != messages_.end(); ++at) {
                if (!topic_matches(topic_filter, (*at)->topic_name())) continue;
                out = {{"topic", std::string((*at)->topic_name())}, {"payload", json::parse((*at)->payload(), nullptr, false)}};
                messages_.erase(messages_.begin(), at + 1);
                return true;
            }
            return false;
        });
        return out;
    }
    /// Everything published since the last take, requests left out.
    std::vector<MessagePtr> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(messages_, {});
    }

  private:
    struct Subscription {
        std::string filter;
        std::shared_ptr<Subscriber> subscriber;
        SubscriptionOptions options;
    };
    class Context final : public PublishContext {
      public:
        explicit Context(Acknowledgement::Callback done) : done_(std::move(done)) {}
        Hold hold() override {
            if (done_) hold_ = Acknowledgement::begin(std::move(done_));
            return hold_;
        }
        void finish() {
            if (done_) done_(Result<void>());
        }

      private:
        Acknowledgement::Callback done_;
        Hold hold_;
    };

    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<Subscription> subscriptions_;
    std::vector<MessagePtr> messages_;
};

class Recorder final : public ActivityRecorder {
  public:
    void record(Activity activity) override {
        const std::lock_guard lock(mutex_);
        activities.push_back(std::move(activity));
    }
    std::vector<Activity> activities;

  private:
    std::mutex mutex_;
};

struct World {
    explicit World(QuotaProfile profile = QuotaProfile::aws, std::unique_ptr<store::kv::Engine> given = store::kv::make_memory_engine())
        : engine(std::move(given)), service(make_shadow_service({*engine, bus, bus, shards, clock, metrics, Quotas(profile), &activity})) {
        shards.start();
    }
    ~World() {
        service->stop();
        engine->stop();
        shards.stop();
    }

    /// Waits until every shard has done what was posted to it, and what that has posted.
    void settle() {
        for (int hops = 0; hops < 2; ++hops) {
            for (std::size_t i = 0; i < shards.size(); ++i) {
                std::promise<void> done;
                shards[i].post([&done] { done.set_value(); });
                done.get_future().wait();
            }
        }
    }

    static std::shared_ptr<const MessageOrigin> connection(std::string client_id) {
        auto out = std::make_shared<MessageOrigin>();
        out->protocol = MessageOrigin::Protocol::mqtt;
        out->client_id = std::move(client_id);
        return out;
    }
    void publish(
        std::string topic, std::string payload, Acknowledgement::Callback done = [](Result<void>) {}) {
        publish_as(client, std::move(topic), std::move(payload), std::move(done));
    }
    void publish_as(
        const std::shared_ptr<const MessageOrigin>& origin, std::string topic, std::string payload,
        Acknowledgement::Callback done = [](Result<void>) {}) {
        Message::Options options;
        options.topic_name = topic;
        options.payload = payload;
        options.qos = Qos::at_least_once;
        options.origin = origin;
        bus.publish(Message::create(std::move(options)), std::move(done));
    }
    Answer ask(ShadowName name, Operation operation, std::string payload = {}) {
        return fogbank::testing::run(service->request(std::move(name), operation, std::move(payload), World::connection("")));
    }

    SharedClock clock;
    Metrics metrics;
    ShardPool shards{2};
    Bus bus;
    Recorder activity;
    std::unique_ptr<store::kv::Engine> engine;
    std::shared_ptr<const MessageOrigin> client = connection("device");
    std::unique_ptr<ShadowService> service;
};

}  // namespace fogbank::shadow::testing
