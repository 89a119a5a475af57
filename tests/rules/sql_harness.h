/// Runs one statement on one payload, for the tests of IoT SQL.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rules/statement.h"
#include "tests/support/fakes.h"

namespace fogbank::rules::testing {

inline constexpr std::size_t sql_bytes_max = 128 * 1024;

struct Published {
    std::string topic = "t";
    std::string payload = "{}";
    std::string client_id = "client-1";
    MessageOrigin::Protocol protocol = MessageOrigin::Protocol::mqtt;
};

inline MessagePtr make_message(const Published& published) {
    auto origin = std::make_shared<MessageOrigin>();
    origin->protocol = published.protocol;
    origin->client_id = published.client_id;
    origin->principal_id = "principal-1";
    origin->source_ip = "192.0.2.7";
    Message::Options options;
    options.topic_name = published.topic;
    options.payload = published.payload;
    options.qos = Qos::at_least_once;
    options.origin = std::move(origin);
    return Message::create(std::move(options));
}

/// Exactly one is set.
struct Answer {
    std::optional<std::string> output;  ///< the payload for the actions
    bool none = false;                  ///< WHERE was not true
    std::optional<std::string> error;
};

struct Sources {
    fogbank::testing::ManualClock clock;
    fogbank::testing::SeededRandom random;
    sql::Environment environment{clock, random, "123456789012"};
};

inline Answer run_statement(std::string_view text, sql::Version version, const Published& published) {
    Sources sources;
    Answer answer;
    const auto statement = sql::CompiledStatement::create(text, version, sql_bytes_max);
    if (!statement) {
        answer.error = statement.error().message;
        return answer;
    }
    sql::MessageContext message(make_message(published));
    const auto outcome = statement->run(message, sources.environment);
    if (!outcome) {
        answer.error = outcome.error().message;
        return answer;
    }
    answer.none = !outcome->matched;
    if (!outcome->matched) return answer;
    const auto payload = outcome->output.payload(message.message());
    if (payload) {
        answer.output = *payload;
    } else {
        answer.error = payload.error().message;
    }
    return answer;
}

}  // namespace fogbank::rules::testing
