// Question: what does one policy check cost at 10 policies of 2 KB, as many as AWS lets a certificate have? Rival: the plain interpreter
// that is the test oracle (tests/policy/oracle.h): it walks the JSON of every document for each request.
//
// Data: 140 statements, each on one topic prefix with ${iot:ClientId}, every seventh a Deny. `hit`: allowed by the last policy; `miss`:
// nothing matches; `denied`: an explicit Deny. Goal: well under a microsecond.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "policy/document.h"
#include "tests/policy/oracle.h"

namespace {

using fogbank::policy::Evaluator;
using fogbank::policy::Policy;
using fogbank::policy::Request;
using nlohmann::json;

constexpr const char* prefix = "arn:aws:iot:us-east-1:123456789012:topic/";

std::vector<json> documents() {
    std::vector<json> out;
    for (int p = 0; p < 10; ++p) {
        json statements = json::array();
        for (int s = 0; s < 14; ++s) {
            const std::string topic = prefix + ("site" + std::to_string(p) + "/line" + std::to_string(s) + "/${iot:ClientId}/*");
            statements.push_back({{"Effect", s % 7 == 6 ? "Deny" : "Allow"}, {"Action", "iot:*"}, {"Resource", topic}});
        }
        out.push_back({{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
    }
    return out;
}

class OneClient final : public fogbank::policy::Context {
  public:
    const std::vector<std::string>* find(std::string_view key) const override { return key == "iot:ClientId" ? &id_ : nullptr; }

  private:
    std::vector<std::string> id_{"gw-1"};
};

/// A request for each case.
const std::map<std::string, std::string> topics{
    {"hit", "site9/line12/gw-1/data"}, {"miss", "site9/line12/gw-2/data"}, {"denied", "site9/line13/gw-1/data"}};

void compiled(benchmark::State& state, const std::string& name) {
    std::vector<Policy> policies;
    for (const json& document : documents()) {
        auto policy = Policy::parse("p" + std::to_string(policies.size()), document.dump(), 4096);
        if (!policy) std::abort();
        policies.push_back(std::move(*policy));
    }
    const OneClient context;
    const Evaluator evaluator(std::move(policies), context);
    const std::string resource = prefix + topics.at(name);
    for (auto _ : state) benchmark::DoNotOptimize(evaluator.evaluate(Request{"iot:Publish", resource}));
}

void interpreted(benchmark::State& state, const std::string& name) {
    const std::vector<json> all = documents();
    const std::string resource = prefix + topics.at(name);
    const fogbank::policy::oracle::Values values{{"iot:ClientId", {"gw-1"}}};
    for (auto _ : state) benchmark::DoNotOptimize(fogbank::policy::oracle::decide(all, "iot:Publish", resource, values));
}

}  // namespace

BENCHMARK_CAPTURE(compiled, hit, "hit");
BENCHMARK_CAPTURE(compiled, miss, "miss");
BENCHMARK_CAPTURE(compiled, denied, "denied");
BENCHMARK_CAPTURE(interpreted, hit, "hit")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(interpreted, miss, "miss")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(interpreted, denied, "denied")->Unit(benchmark::kMicrosecond);
BENCHMARK_MAIN();
