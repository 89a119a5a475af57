// Any bytes as a statement and as a payload: parse, resolve, compile and evaluate must end, in bounded time and memory.
// Input: the statement, then optionally a NUL and the payload.

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "rules/detail/fuzz_fakes.h"
#include "rules/statement.h"

namespace {

using namespace fogbank;
using rules::FixedClock;
using rules::FixedRandom;

constexpr std::size_t sql_bytes_max = 128 * 1024;
constexpr std::string_view default_payload =
    R"({"a":1,"b":"text","c":[1,2.5,"x",null,true],"e":[{"n":"t","v":22.5},{"n":"u","v":-1e3}],"o":{"p":{"q":10.0}},"z":null,"big":1234567890123456789012345678901234567890})";

MessagePtr message_of(std::string_view payload) {
    Message::Options options;
    options.topic_name = "device/d7/sensor/s9/v1";
    options.payload = payload;
    options.origin = std::make_shared<const MessageOrigin>();
    return Message::create(std::move(options));
}

void run(std::string_view sql, std::string_view payload, rules::sql::Version version) {
    const auto statement = rules::sql::CompiledStatement::create(sql, version, sql_bytes_max);
    if (!statement) {
        if (!statement.error().message.starts_with("sql at byte ")) std::abort();
        return;
    }
    FixedClock clock;
    FixedRandom random;
    const rules::sql::Environment environment{clock, random, "123456789012"};
    rules::sql::MessageContext message(message_of(payload));
    const auto outcome = statement->run(message, environment);
    if (!outcome || !outcome->matched) return;
    const auto output = outcome->output.payload(message.message());
    // What is no raw payload and not empty must be JSON that can be read again.
    if (!output || outcome->output.is_raw() || output->empty()) return;
    rules::sql::Payload again;
    if (!again.parse(*output, true)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t split = input.find('\0');
    const std::string_view sql = input.substr(0, split);
    const std::string_view payload = split == std::string_view::npos ? default_payload : input.substr(split + 1);
    run(sql, payload, rules::sql::Version::v2015_10_08);
    run(sql, payload, rules::sql::Version::v2016_03_23);
    return 0;
}
