// Any bytes as a policy document; what parses is compiled and asked, and the two ways to ask must agree.

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "policy/document.h"

namespace {

class FixedContext final : public fogbank::policy::Context {
  public:
    const std::vector<std::string>* find(std::string_view key) const override {
        const auto found = values_.find(key);
        return found == values_.end() ? nullptr : &found->second;
    }

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_{{"iot:ClientId", {"gw-*"}},
                                                                         {"aws:SourceIp", {"10.0.0.1"}},
                                                                         {"iot:ConnectAttributes", {"LastWill", "PersistentConnect"}},
                                                                         {"x", {}}};
};

void ask(const fogbank::policy::Evaluator& evaluator, std::string_view action, std::string_view resource) {
    const fogbank::policy::Request request{action, resource};
    const auto decision = evaluator.explain(request);
    if (decision.outcome != evaluator.evaluate(request)) std::abort();
    if (decision.text(request, "p").empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto policy = fogbank::policy::Policy::parse("fuzz", text, 2048);
    if (!policy) {
        if (policy.error().message.empty()) std::abort();
        return 0;
    }
    const fogbank::policy::Evaluator evaluator({*policy}, FixedContext());
    ask(evaluator, "iot:Connect", "arn:aws:iot:us-east-1:123456789012:client/gw-*");
    ask(evaluator, "iot:Publish", "arn:aws:iot:us-east-1:123456789012:topic/a/b/c");
    ask(evaluator, "x:Unknown", text.substr(0, 64));
    return 0;
}
