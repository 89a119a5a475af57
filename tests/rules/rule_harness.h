/// A rule service on a memory engine, with scripted tables, functions and a topic index that delivers on the calling thread.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/topic.h"
#include "rules/rule_service.h"
#include "store/kv/memory_engine.h"
#include "store/table/errc.h"
#include "tests/rules/sql_harness.h"

namespace fogbank::rules::testing {

/// The context of one publish; `holding` says whether it hands out a hold (QoS 1).
class Context final : public PublishContext {
  public:
    explicit Context(Hold hold) : hold_(std::move(hold)) {}
    Hold hold() override { return hold_; }

  private:
    Hold hold_;
};

/// The obvious topic index: asks topic_matches for every subscription.
class FakeRouter final : public TopicIndex, public Publisher {
  public:
    struct Subscription {
        std::string filter;
        std::shared_ptr<Subscriber> subscriber;
    };

    void subscribe(std::string_view filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions&) override {
        subscriptions.push_back({std::string(filter), std::move(subscriber)});
    }
    bool unsubscribe(std::string_view filter, const Subscriber& subscriber) override {
        return std::erase_if(subscriptions,
                             [&](const Subscription& s) { return s.filter == filter && s.subscriber.get() == &subscriber; }) > 0;
    }
    void publish(MessagePtr message, Acknowledgement::Callback done) override {
        published.push_back(message);
        if (refuse) return done(Result<void>(Error(Errc::unavailable, "the other subscriber's store is down")));
        Context context(message->qos() == Qos::at_most_once ? Hold() : Acknowledgement::begin(std::move(done)));
        deliver(message, context);
        if (message->qos() == Qos::at_most_once && done) done(Result<void>());
    }
    void deliver(const MessagePtr& message, PublishContext& context) {
        const auto matching = subscriptions;
        for (const Subscription& s : matching) {
            if (topic_matches(s.filter, message->topic_name())) s.subscriber->deliver(message, SubscriptionOptions(), context);
        }
    }

    std::vector<Subscription> subscriptions;
    std::vector<MessagePtr> published;
    bool refuse = false;
};

class FakeTables final : public store::table::TableService {
  public:
    template <class T>
    using Awaitable = store::table::Awaitable<T>;
    struct Put {
        TableName table;
        store::table::Item item;
        store::kv::CommitHandler done;
    };

    Awaitable<store::table::TableDescription> create_table(store::table::CreateTableRequest) override { co_return unused(); }
    Awaitable<store::table::TableDescription> describe_table(TableName) override { co_return unused(); }
    Awaitable<store::table::TableDescription> delete_table(TableName) override { co_return unused(); }
    Awaitable<store::table::TableNames> list_tables(std::optional<TableName>, std::int64_t) override { co_return unused(); }
    Awaitable<store::table::WriteOutcome> put_item(store::table::PutItemRequest) override { co_return unused(); }
    Awaitable<store::table::WriteOutcome> delete_item(store::table::DeleteItemRequest) override { co_return unused(); }
    Awaitable<store::table::GetItemOutcome> get_item(store::table::GetItemRequest) override { co_return unused(); }
    Awaitable<store::table::ItemPage> query(store::table::QueryRequest) override { co_return unused(); }
    Awaitable<store::table::ItemPage> scan(store::table::ScanRequest) override { co_return unused(); }
    void put_item(TableName table, store::table::Item item, store::kv::CommitHandler done) override {
        puts.push_back({std::move(table), std::move(item), std::move(done)});
    }

    std::vector<Put> puts;

  private:
    static Error unused() { return {store::table::Errc::unavailable, "not part of this test"}; }
};

class FakeFunctions final : public lambda::FunctionService, public lambda::FunctionAdministration {
  public:
    template <class T>
    using Awaitable = lambda::Awaitable<T>;
    struct Invocation {
        FunctionName name;
        std::string event;
        store::kv::CommitHandler done;
    };

    Awaitable<lambda::FunctionConfiguration> create_function(lambda::CreateFunctionRequest) override { co_return unused(); }
    Awaitable<lambda::FunctionConfiguration> get_function(FunctionName) override { co_return unused(); }
    Awaitable<std::vector<lambda::FunctionConfiguration>> list_functions() override { co_return unused(); }
    Awaitable<void> delete_function(FunctionName) override { co_return unused(); }
    Awaitable<lambda::FunctionConfiguration> update_function(lambda::UpdateFunctionRequest) override { co_return unused(); }
    Awaitable<lambda::InvocationResult> invoke(FunctionName, std::string) override { co_return unused(); }
    Awaitable<lambda::InvocationResult> invoke(lambda::InvokeRequest) override { co_return unused(); }
    void invoke_async(lambda::FunctionReference function, std::string event, store::kv::CommitHandler done) override {
        invoke_async(std::move(function.name), std::move(event), std::move(done));
    }
    lambda::FunctionAdministration& administration() override { return *this; }
    Awaitable<lambda::FunctionConfiguration> get_version(lambda::FunctionReference) override { co_return unused(); }
    Awaitable<std::vector<lambda::FunctionConfiguration>> list_versions(FunctionName) override { co_return unused(); }
    Awaitable<lambda::FunctionConfiguration> publish_version(lambda::PublishVersionRequest) override { co_return unused(); }
    Awaitable<void> delete_version(lambda::FunctionReference) override { co_return unused(); }
    Awaitable<lambda::FunctionMeta> get_meta(FunctionName) override { co_return unused(); }
    Awaitable<lambda::FunctionMeta> change_meta(FunctionName, MetaChange) override { co_return unused(); }
    boost::asio::awaitable<Result<FunctionAnswer>> call_function(std::string, std::string) override { co_return unused(); }
    void invoke_async(FunctionName name, std::string event, store::kv::CommitHandler done) override {
        invocations.push_back({std::move(name), std::move(event), std::move(done)});
    }
    std::size_t backlog() const override { return 0; }
    void start(Surroundings) override {}
    void stop(std::chrono::milliseconds) override {}

    std::vector<Invocation> invocations;

  private:
    static Error unused() { return {lambda::Errc::unavailable, "not part of this test"}; }
};

class FakeLogs final : public LogSink {
  public:
    struct Write {
        std::string group, stream;
        std::vector<LogEvent> events;
        UniqueFunction<void(Result<void>)> done;
    };
    bool has_group(const std::string& group) const override { return groups.contains(group); }
    void write(std::string group, std::string stream, std::vector<LogEvent> events) override {
        write(std::move(group), std::move(stream), std::move(events), nullptr);
    }
    void write(std::string group, std::string stream, std::vector<LogEvent> events, UniqueFunction<void(Result<void>)> done) override {
        writes.push_back({std::move(group), std::move(stream), std::move(events), std::move(done)});
    }

    std::set<std::string> groups;
    std::vector<Write> writes;
};

/// What became of a publish.
struct Acknowledged {
    bool done = false;
    std::string error;
};

class World {
  public:
    World() { open(); }

    /// Closes the service and opens it again on the same store.
    void open() {
        service.reset();
        auto opened = fogbank::testing::run(open_rule_service(dependencies()));
        if (opened) service = std::move(*opened);
    }

    Result<void> create(const std::string& name, const std::string& payload) {
        return fogbank::testing::run(service->create_rule(RuleName(name), payload));
    }
    Result<void> replace(const std::string& name, const std::string& payload) {
        return fogbank::testing::run(service->replace_rule(RuleName(name), payload));
    }
    Result<void> remove(const std::string& name) { return fogbank::testing::run(service->delete_rule(RuleName(name))); }
    Result<void> enable(const std::string& name, bool on) { return fogbank::testing::run(service->set_rule_enabled(RuleName(name), on)); }
    RuleCounters counters(const std::string& name) { return service->counters(RuleName(name)).value_or(RuleCounters()); }

    /// Publishes at QoS 1; the answer is filled in when the acknowledgement leaves.
    std::shared_ptr<Acknowledged> publish(const std::string& topic, const std::string& payload) {
        auto answer = std::make_shared<Acknowledged>();
        Published published;
        published.topic = topic;
        published.payload = payload;
        Context context(Acknowledgement::begin([answer](Result<void> result) {
            answer->done = true;
            if (!result) answer->error = result.error().message;
        }));
        router.deliver(make_message(published), context);
        return answer;
    }

    Sources sources;
    Metrics metrics;
    std::unique_ptr<store::kv::Engine> engine = store::kv::make_memory_engine();
    FakeRouter router;
    FakeTables tables;
    FakeFunctions functions;
    FakeLogs logs;
    std::unique_ptr<RuleService> service;

  private:
    RuleService::Dependencies dependencies() {
        Outside outside;
        outside.logs = &logs;
        return {*engine,
                router,
                router,
                tables,
                functions,
                sources.clock,
                sources.random,
                metrics,
                ArnFactory(AccountId("123456789012"), Region("us-east-1")),
                Quotas(QuotaProfile::aws),
                std::move(outside)};
    }
};

/// A TopicRulePayload of version 2016-03-23 with these actions.
inline std::string rule(const std::string& sql, const std::string& actions, const std::string& more = "") {
    return R"({"awsIotSqlVersion":"2016-03-23","sql":")" + sql + R"(","actions":[)" + actions + "]" + more + "}";
}
inline const std::string lambda_action = R"({"lambda":{"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:Secomea"}})";
inline const std::string table_action = R"({"dynamoDBv2":{"roleArn":"arn:aws:iam::1:role/r","putItem":{"tableName":"Raw"}}})";

}  // namespace fogbank::rules::testing
