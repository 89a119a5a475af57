// Any bytes as a test case: the reader of cases, the stubs, templates and everything below must end, and answer one line of JSON.

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "rules/detail/fuzz_fakes.h"
#include "rules/test_case.h"

namespace {

using namespace fogbank;
using rules::FixedClock;
using rules::FixedRandom;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const FixedClock clock;
    FixedRandom random;
    const rules::TestSurroundings surroundings{clock, random, "123456789012"};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const bool explain : {false, true}) {
        const rules::TestAnswer answer = rules::run_test_case(text, surroundings, explain);
        if (answer.json.find('\n') != std::string::npos || !nlohmann::json::accept(answer.json)) std::abort();
        if (explain) rules::explanation_text(answer.json);
    }
    return 0;
}
