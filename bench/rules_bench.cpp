// Question: what does a rule cost? (a) a 300-byte sample, WHERE on one field, four selected fields; (b) a 4 KB nested payload that feeds
// ten rules; (c) a rule among 1,000 on distinct filters, beside one rule alone. Rival: simdjson parsing the same payload on demand and
// touching the same fields, which is the floor: it neither looks at the rest of the payload nor writes an output. Each evaluation includes
// parsing (once per message), WHERE, SELECT and the output's JSON text.
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/topic_trie.h"
#include "rules/statement.h"

namespace {

using namespace fogbank;
using rules::sql::CompiledStatement;
using rules::sql::MessageContext;

const std::string sample =
    R"({"deviceId":"plc-0017","site":"north-hall","line":4,"sequence":1048576,"temperature":61.25,"pressure":1013.2,"humidity":40.5,)"
    R"("color":"blue","state":"running","alarms":[],"firmware":"2.14.3","timestamp":1767323045000,"operator":"shift-b",)"
    R"("vibration":{"x":0.012,"y":0.009,"z":0.981},"note":"cold start"})";
const std::string sample_sql = "SELECT deviceId, temperature, color, sequence FROM 'device/+/sensor/+/v1' WHERE temperature > 50";

/// 40 machines with readings each, some 4 KB.
std::string nested_payload() {
    std::string json = R"({"plant":{"name":"north","units":{)";
    for (int i = 0; i < 40; ++i) {
        json += (i == 0 ? "" : ",") + std::string("\"u") + std::to_string(i) + R"(":{"id":")" + std::to_string(1000 + i) +
                R"(","readings":{"t":)" + std::to_string(20 + i) + R"(.5,"p":1013},"ok":true,"tags":["a","b"]})";
    }
    return json + R"(}},"timestamp":1767323045000})";
}

MessagePtr message_of(std::string_view topic, std::string_view payload) {
    static const auto origin = std::make_shared<const MessageOrigin>();
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.origin = origin;
    return Message::create(std::move(options));
}

CompiledStatement compiled(const std::string& sql) {
    auto made = CompiledStatement::create(sql, rules::sql::Version::v2016_03_23, 128 * 1024);
    if (!made) std::abort();
    return std::move(*made);
}

struct Surroundings {
    SystemClock clock;
    SystemRandom random;
    rules::sql::Environment environment{clock, random, "000000000000"};
};

bool evaluate(const CompiledStatement& statement, MessageContext& context, const Surroundings& surroundings) {
    const auto outcome = statement.run(context, surroundings.environment);
    if (!outcome || !outcome->matched) return false;
    const auto output = outcome->output.payload(context.message());
    benchmark::DoNotOptimize(output->data());
    return true;
}

void sample_rule(benchmark::State& state) {
    const Surroundings surroundings;
    const CompiledStatement statement = compiled(sample_sql);
    const MessagePtr message = message_of("device/7/sensor/9/v1", sample);
    MessageContext context(message);
    for (auto _ : state) {
        context.reset(message);
        if (!evaluate(statement, context, surroundings)) std::abort();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(sample_rule);

void sample_floor(benchmark::State& state) {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string padded(sample);
    for (auto _ : state) {
        simdjson::ondemand::document document;
        if (parser.iterate(padded).get(document) != simdjson::SUCCESS) std::abort();
        const std::string_view device = document["deviceId"].get_string();
        const std::int64_t sequence = document["sequence"].get_int64();
        const double temperature = document["temperature"].get_double();
        const std::string_view color = document["color"].get_string();
        benchmark::DoNotOptimize(device.size() + color.size() + static_cast<std::size_t>(sequence));
        benchmark::DoNotOptimize(temperature);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(sample_floor);

std::string nested_sql(int i) {
    const std::string unit = "plant.units.u" + std::to_string(i * 4);
    return "SELECT " + unit + ".id AS id, " + unit + ".readings.t AS t, timestamp AS at FROM 'p' WHERE " + unit + ".readings.t > 10";
}

void nested_ten_rules(benchmark::State& state) {
    const Surroundings surroundings;
    std::vector<CompiledStatement> statements;
    for (int i = 0; i < 10; ++i) statements.push_back(compiled(nested_sql(i)));
    const std::string payload = nested_payload();
    const MessagePtr message = message_of("p", payload);
    MessageContext context(message);
    for (auto _ : state) {
        context.reset(message);
        for (const CompiledStatement& statement : statements) {
            if (!evaluate(statement, context, surroundings)) std::abort();
        }
    }
    state.SetItemsProcessed(state.iterations() * 10);
    state.counters["payload_bytes"] = static_cast<double>(payload.size());
}
BENCHMARK(nested_ten_rules);

void nested_floor(benchmark::State& state) {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string padded(nested_payload());
    for (auto _ : state) {
        simdjson::ondemand::document document;
        if (parser.iterate(padded).get(document) != simdjson::SUCCESS) std::abort();
        simdjson::ondemand::object units = document["plant"]["units"];
        for (int i = 0; i < 10; ++i) {
            simdjson::ondemand::object unit = units["u" + std::to_string(i * 4)];
            const std::string_view id = unit["id"].get_string();
            const double t = unit["readings"]["t"].get_double();
            benchmark::DoNotOptimize(id.size());
            benchmark::DoNotOptimize(t);
        }
        const std::int64_t at = document["timestamp"].get_int64();
        benchmark::DoNotOptimize(at);
    }
    state.SetItemsProcessed(state.iterations() * 10);
}
BENCHMARK(nested_floor);

/// A rule as the topic index sees it.
class Rule final : public Subscriber {
  public:
    Rule(CompiledStatement statement, const Surroundings& surroundings) : statement_(std::move(statement)), surroundings_(surroundings) {}
    void deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext&) override {
        context_.reset(message);
        if (!evaluate(statement_, context_, surroundings_)) std::abort();
    }

  private:
    CompiledStatement statement_;
    const Surroundings& surroundings_;
    MessageContext context_;
};

void run_among(benchmark::State& state) {
    const Surroundings surroundings;
    const auto rules_count = static_cast<std::size_t>(state.range(0));
    broker::TopicTrie trie(false);
    for (std::size_t i = 0; i < rules_count; ++i) {
        const std::string filter = "device/" + std::to_string(i) + "/sensor/+/v1";
        trie.insert(filter, std::make_shared<Rule>(compiled(sample_sql), surroundings), {});
    }
    const MessagePtr message = message_of("device/" + std::to_string(rules_count / 2) + "/sensor/9/v1", sample);
    class Nothing final : public PublishContext {
      public:
        Hold hold() override { return {}; }
    } nothing;
    std::vector<broker::Match> matches;
    for (auto _ : state) {
        matches.clear();
        trie.match(message->topic_name(), matches);
        if (matches.size() != 1) std::abort();
        matches[0].subscriber->deliver(message, {}, nothing);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(run_among)->Name("one_match_among_rules")->Arg(1)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
