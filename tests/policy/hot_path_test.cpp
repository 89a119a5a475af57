// The promise of Evaluator::evaluate: no allocation, and a time that a publish does not notice.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "policy/document.h"
#include "tests/policy/support.h"

namespace {
std::atomic<std::size_t> allocations{0};
}

// Counts for the whole test program; the tests look at the difference.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace fogbank::policy {
namespace {

using nlohmann::json;

/// Ten policies that fill their 2048 characters, as many as AWS lets a certificate have.
std::vector<Policy> full_house() {
    std::vector<Policy> out;
    for (int p = 0; p < 10; ++p) {
        json statements = json::array();
        for (int s = 0; s < 14; ++s) {
            const std::string topic =
                "arn:aws:iot:us-east-1:123456789012:topic/site" + std::to_string(p) + "/line" + std::to_string(s) + "/${iot:ClientId}/*";
            statements.push_back({{"Effect", s % 7 == 6 ? "Deny" : "Allow"}, {"Action", "iot:*"}, {"Resource", topic}});
        }
        auto policy = Policy::parse("p" + std::to_string(p), json{{"Statement", statements}}.dump(), 2048);
        EXPECT_TRUE(policy) << policy.error().message;
        out.push_back(std::move(*policy));
    }
    return out;
}

TEST(EvaluatorHotPath, DoesNotAllocate) {
    MapContext context;
    context.set("iot:ClientId", {"gw-1"});
    const Evaluator evaluator(full_house(), context);
    const Request hit{"iot:Publish", "arn:aws:iot:us-east-1:123456789012:topic/site9/line12/gw-1/data"};
    const Request miss{"iot:Publish", "arn:aws:iot:us-east-1:123456789012:topic/site9/line12/gw-2/data"};
    const Request denied{"iot:Receive", "arn:aws:iot:us-east-1:123456789012:topic/site3/line13/gw-1/data"};
    const Request unknown{"iot:SomethingNew", hit.resource};
    const std::size_t before = allocations;
    EXPECT_EQ(evaluator.evaluate(hit), Decision::Outcome::allowed);
    EXPECT_EQ(evaluator.evaluate(miss), Decision::Outcome::implicit_deny);
    EXPECT_EQ(evaluator.evaluate(denied), Decision::Outcome::explicit_deny);
    EXPECT_EQ(evaluator.evaluate(unknown), Decision::Outcome::allowed);
    EXPECT_EQ(allocations - before, 0U);
}

}  // namespace
}  // namespace fogbank::policy
