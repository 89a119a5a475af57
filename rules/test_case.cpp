#include "rules/test_case.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "common/encoding.h"
#include "common/json.h"
#include "common/topic.h"
#include "rules/errc.h"
#include "rules/rule_definition.h"
#include "rules/statement.h"
#include "rules/stubs.h"

namespace fogbank::rules {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t case_depth_max = 256;
constexpr std::size_t topic_bytes_max = 65'535;
/// A value in an explanation is cut after this many bytes.
constexpr std::size_t shown_bytes_max = 2000;

/// What is wrong with the case itself.
struct Malformed {
    std::string why;
};

class FixedClock final : public Clock {
  public:
    FixedClock(const Clock& real, std::optional<std::int64_t> now_ms) : real_(real), now_ms_(now_ms) {}
    WallTime now() const override { return now_ms_ ? WallTime(std::chrono::milliseconds(*now_ms_)) : real_.now(); }
    SteadyTime steady() const override { return real_.steady(); }

  private:
    const Clock& real_;
    std::optional<std::int64_t> now_ms_;
};

/// A case, read and checked.
struct TestCase {
    Json id;
    bool is_template = false;
    std::string sql, text_template;
    sql::Version version = sql::Version::v2016_03_23;
    std::optional<std::string> topic;
    std::string payload, rule_name, account_id;
    std::shared_ptr<const MessageOrigin> origin;
    std::unique_ptr<const MessageProperties> properties;
    std::optional<std::int64_t> now_ms;
    Json externals;
};

/// Reads members; the first mistake is kept and everything after it is skipped.
class CaseReader {
  public:
    explicit CaseReader(std::string_view text, const Json& json) : text_(text), json_(json) {}

    TestCase read(const std::string& account_id) {
        TestCase out;
        if (const Json* id = find("id")) out.id = *id;
        const std::string kind = string("kind").value_or("statement");
        if (kind != "statement" && kind != "template") wrong("`kind` is `statement` or `template`");
        out.is_template = kind == "template";
        out.text_template = required("template", out.is_template);
        out.sql = required("sql", !out.is_template);
        const std::string version = string("version").value_or("2016-03-23");
        const auto parsed = sql::parse_version(version);
        if (!parsed) wrong("`version` is 2015-10-08, 2016-03-23 or beta");
        out.version = parsed.value_or(sql::Version::v2016_03_23);
        out.topic = string("topic");
        if (out.topic && out.topic->size() > topic_bytes_max) wrong("`topic` is too long");
        out.rule_name = string("ruleName").value_or("");
        out.account_id = string("accountId").value_or(account_id);
        out.payload = payload();
        out.origin = origin();
        out.properties = properties();
        out.now_ms = integer("now_ms");
        if (const Json* externals = find("externals")) out.externals = *externals;
        return out;
    }
    const std::optional<Malformed>& malformed() const { return malformed_; }

  private:
    void wrong(std::string why) {
        if (!malformed_) malformed_ = Malformed{std::move(why)};
    }

    const Json* find(const char* name) {
        const auto found = json_.find(name);
        return found == json_.end() || found->is_null() ? nullptr : &*found;
    }

    std::optional<std::string> string(const char* name) {
        const Json* found = find(name);
        if (found == nullptr) return std::nullopt;
        if (found->is_string()) return found->get<std::string>();
        wrong("`" + std::string(name) + "` must be a string");
        return std::nullopt;
    }

    std::string required(const char* name, bool needed) {
        auto text = string(name);
        if (needed && !text) wrong("`" + std::string(name) + "` is missing");
        return text.value_or("");
    }

    std::optional<std::int64_t> integer(const char* name) {
        const Json* found = find(name);
        if (found == nullptr) return std::nullopt;
        if (found->is_number_integer()) return found->get<std::int64_t>();
        wrong("`" + std::string(name) + "` must be a whole number");
        return std::nullopt;
    }

    std::string payload() {
        const Json* found = find("payload");
        const auto encoding = string("encoding");
        if (encoding && *encoding != "base64") wrong("`encoding` can only be `base64`");
        if (found == nullptr) return {};
        if (!found->is_string()) {
            if (encoding) wrong("with `encoding`, `payload` must be a string");
            return payload_text();
        }
        const std::string& text = found->get_ref<const std::string&>();
        if (!encoding) return text;
        auto bytes = base64_decode(text);
        if (!bytes) wrong("`payload` is not base64");
        return bytes.value_or("");
    }

    /// The payload's own bytes: numbers and the order of members must not be changed.
    std::string payload_text() {
        simdjson::ondemand::parser parser;
        const simdjson::padded_string padded(text_);
        simdjson::ondemand::document document;
        simdjson::ondemand::value value;
        std::string_view raw;
        if (parser.iterate(padded).get(document) != simdjson::SUCCESS || document["payload"].get(value) != simdjson::SUCCESS ||
            !raw_text(value, raw)) {
            wrong("`payload` cannot be read");
        }
        return std::string(raw);
    }

    static bool raw_text(simdjson::ondemand::value& value, std::string_view& out) {
        simdjson::ondemand::json_type type{};
        if (value.type().get(type) != simdjson::SUCCESS) return false;
        if (type == simdjson::ondemand::json_type::object) {
            simdjson::ondemand::object object;
            return value.get_object().get(object) == simdjson::SUCCESS && object.raw_json().get(out) == simdjson::SUCCESS;
        }
        if (type == simdjson::ondemand::json_type::array) {
            simdjson::ondemand::array array;
            return value.get_array().get(array) == simdjson::SUCCESS && array.raw_json().get(out) == simdjson::SUCCESS;
        }
        out = value.raw_json_token();
        out = out.substr(0, out.find_last_not_of(" \t\r\n") + 1);
        return true;
    }

    std::shared_ptr<const MessageOrigin> origin() {
        auto origin = std::make_shared<MessageOrigin>();
        const std::string protocol = string("protocol").value_or("mqtt");
        if (protocol == "http" || protocol == "https") {
            origin->protocol = MessageOrigin::Protocol::http;
        } else {
            if (protocol != "mqtt") wrong("`protocol` is `mqtt` or `http`");
            origin->protocol = MessageOrigin::Protocol::mqtt;
        }
        origin->client_id = string("clientId").value_or("");
        origin->principal_id = string("principal").value_or("");
        origin->source_ip = string("sourceIp").value_or("");
        return origin;
    }

    /// Either spelling: `contentType` or `content_type`.
    static const Json* property(const Json& mqtt5, const char* camel, const char* snake) {
        auto found = mqtt5.find(camel);
        if (found == mqtt5.end()) found = mqtt5.find(snake);
        return found == mqtt5.end() || found->is_null() ? nullptr : &*found;
    }

    std::string text_property(const Json& mqtt5, const char* camel, const char* snake) {
        const Json* found = property(mqtt5, camel, snake);
        if (found == nullptr) return {};
        if (found->is_string()) return found->get<std::string>();
        wrong("`mqtt5`: `" + std::string(camel) + "` must be a string");
        return {};
    }

    std::unique_ptr<const MessageProperties> properties() {
        const Json* mqtt5 = find("mqtt5");
        if (mqtt5 == nullptr) return nullptr;
        if (!mqtt5->is_object()) {
            wrong("`mqtt5` must be an object");
            return nullptr;
        }
        auto properties = std::make_unique<MessageProperties>();
        properties->content_type = text_property(*mqtt5, "contentType", "content_type");
        properties->response_topic = text_property(*mqtt5, "responseTopic", "response_topic");
        const std::string correlation = text_property(*mqtt5, "correlationData", "correlation_data");
        properties->correlation_data = base64_decode(correlation).value_or(correlation);
        const Json* format = property(*mqtt5, "payloadFormatIndicator", "format_indicator");
        if (format == nullptr) format = property(*mqtt5, "formatIndicator", "payload_format_indicator");
        if (format != nullptr) properties->payload_format_indicator = *format == 1 || *format == "UTF8_DATA" ? 1 : 0;
        if (const Json* pairs = property(*mqtt5, "userProperties", "user_properties")) user_properties(*pairs, *properties);
        return properties;
    }

    void user_properties(const Json& pairs, MessageProperties& out) {
        const auto add = [&](const Json& key, const Json& value) {
            if (!key.is_string() || !value.is_string()) return wrong("`mqtt5`: keys and values of `userProperties` must be strings");
            out.user_properties.emplace_back(key.get<std::string>(), value.get<std::string>());
        };
        if (pairs.is_object()) {
            for (const auto& [key, value] : pairs.items()) add(key, value);
            return;
        }
        for (const Json& pair : pairs) {
            if (pair.is_array() && pair.size() == 2) {
                add(pair[0], pair[1]);
            } else if (pair.is_object() && pair.contains("key") && pair.contains("value")) {
                add(pair["key"], pair["value"]);
            } else if (pair.is_object()) {
                for (const auto& [key, value] : pair.items()) add(key, value);
            } else {
                wrong("`mqtt5`: `userProperties` must be an array of pairs");
            }
        }
    }

    std::string_view text_;
    const Json& json_;
    std::optional<Malformed> malformed_;
};

/// Builds the answer's one line.
class AnswerLine {
  public:
    explicit AnswerLine(const Json& id) { line_ = "{\"id\":" + id.dump(-1, ' ', false, Json::error_handler_t::replace); }
    void raw(std::string_view name, std::string_view json) {
        line_ += ",\"";
        line_ += name;
        line_ += "\":";
        line_ += json;
    }
    void text(std::string_view name, std::string_view text) {
        std::string json;
        sql::append_json_string(json, text);
        raw(name, json);
    }
    void invalid(std::size_t position, std::string_view reason) {
        std::string json = "{\"position\":" + std::to_string(position) + ",\"reason\":";
        sql::append_json_string(json, reason);
        raw("invalid", json + "}");
    }
    /// An error that may begin with where it is: `sql at byte 41: …`.
    void invalid(const Error& error) {
        constexpr std::string_view mark = "sql at byte ";
        const std::size_t at = error.message.find(mark);
        if (at == std::string::npos) return invalid(0, error.message);
        std::size_t position = 0;
        std::size_t i = at + mark.size();
        for (; i < error.message.size() && error.message[i] >= '0' && error.message[i] <= '9'; ++i)
            position = position * 10 + static_cast<std::size_t>(error.message[i] - '0');
        invalid(position, std::string_view(error.message).substr(std::min(i + 2, error.message.size())));
    }
    std::string finish() { return line_ + "}"; }

  private:
    std::string line_;
};

/// Runs `evaluate` until it asks no more questions.
template <class Evaluate>
auto with_stubs(sql::ExternalSession& session, const Json& externals, Evaluate evaluate) {
    while (true) {
        session.restart();
        auto result = evaluate();
        if (!session.calls().wanted()) return result;
        session.calls().answer(answer_from_stubs(externals, *session.calls().wanted()));
    }
}

/// `,"value":…`, or `,"value_base64":…` for a String whose bytes are no text (`*` of a binary payload); nothing for Undefined.
std::string explained_value(const sql::Value& value) {
    if (value.is_string() && value.text().size() <= shown_bytes_max && !is_valid_utf8(value.text()))
        return ",\"value_base64\":\"" + base64_encode(value.text()) + "\"";
    std::string json;
    if (!sql::append_json(json, value, shown_bytes_max)) json = "\"… (longer than " + std::to_string(shown_bytes_max) + " bytes)\"";
    if (!is_valid_utf8(json)) json = "\"… (bytes that are no UTF-8 text)\"";
    return json.empty() ? std::string() : ",\"value\":" + json;
}

std::string explain_json(const sql::Trace& trace, const sql::Program& program, std::string_view sql) {
    std::string out = "[";
    std::size_t roots = 0;
    std::string_view clause;
    for (const sql::TraceStep& step : trace) {
        if (step.depth == 0) {
            const bool where = program.main.where && roots == program.assignments.size();
            clause = roots < program.assignments.size() ? "SET" : where ? "WHERE" : "SELECT";
            ++roots;
        }
        if (out.size() > 1) out += ',';
        out += "{\"clause\":\"" + std::string(clause) + "\",\"position\":" + std::to_string(step.position) + ",\"expression\":";
        sql::append_json_string(out, sql.substr(step.position, step.end - step.position));
        out += ",\"depth\":" + std::to_string(step.depth);
        out += explained_value(step.value);
        out += "}";
    }
    return out + "]";
}

/// Why the message does not reach the rule; empty: it does.
std::string why_not_matched(const TestCase& test, const sql::CompiledStatement& statement) {
    if (!test.topic) return {};
    constexpr std::string_view prefix = "$aws/rules/";
    if (test.topic->starts_with(prefix)) {
        const std::string name = test.topic->substr(prefix.size(), test.topic->find('/', prefix.size()) - prefix.size());
        if (test.rule_name.empty() || test.rule_name == name) return {};
        return "the Basic Ingest topic names rule `" + name + "`, this one is `" + test.rule_name + "`";
    }
    if (!statement.topic_filter()) return "the statement has no FROM, so only Basic Ingest reaches it";
    if (topic_matches(*statement.topic_filter(), *test.topic)) return {};
    return "topic `" + *test.topic + "` does not match FROM '" + *statement.topic_filter() + "'";
}

MessagePtr message_of(TestCase& test) {
    Message::Options options;
    options.topic_name = test.topic ? std::string_view(*test.topic) : std::string_view();
    options.payload = test.payload;
    options.qos = Qos::at_least_once;
    options.origin = test.origin;
    options.properties = std::move(test.properties);
    return Message::create(std::move(options));
}

class Run {
  public:
    Run(TestCase test, const TestSurroundings& surroundings)
        : test_(std::move(test)),
          clock_(surroundings.clock, test_.now_ms),
          environment_{clock_, surroundings.random, test_.account_id},
          session_(environment_),
          message_(message_of(test_)),
          context_(message_),
          line_(test_.id) {}

    std::string statement(bool explain) {
        sql::StatementOptions options;
        options.fold = !explain;
        const Quotas quotas(QuotaProfile::aws);
        auto compiled = sql::CompiledStatement::create(test_.sql, test_.version, quotas.bytes(Quota::rule_payload_bytes), options);
        if (compiled) {
            if (auto valid = check_topic_filter(*compiled, quotas); !valid) compiled = valid.error();
        }
        if (!compiled) {
            line_.invalid(compiled.error());
            return line_.finish();
        }
        if (const std::string why = why_not_matched(test_, *compiled); !why.empty()) {
            line_.text("none", why);
            return line_.finish();
        }
        sql::Trace trace;
        const auto outcome = with_stubs(session_, test_.externals, [&] {
            trace.clear();
            return compiled->run(context_, environment_, &session_, explain ? &trace : nullptr);
        });
        report(outcome);
        if (explain) line_.raw("explain", explain_json(trace, compiled->program(), test_.sql));
        return line_.finish();
    }

    std::string expand() {
        const Quotas quotas(QuotaProfile::aws);
        const std::string sql = test_.sql.empty() ? "SELECT * FROM '#'" : test_.sql;
        const auto compiled = sql::CompiledStatement::create(sql, test_.version, quotas.bytes(Quota::rule_payload_bytes));
        if (!compiled) {
            line_.invalid(compiled.error());
            return line_.finish();
        }
        const auto made = sql::Template::create(test_.text_template, *compiled);
        if (!made) {
            line_.invalid(made.error());
            return line_.finish();
        }
        const auto text = with_stubs(session_, test_.externals, [&]() -> Result<std::string> {
            const auto outcome = compiled->run(context_, environment_, &session_);
            if (!outcome) return outcome.error();
            return made->expand(context_, environment_, outcome->variables, &session_);
        });
        if (text) {
            if (is_valid_utf8(*text)) {
                line_.text("text", *text);
            } else {
                line_.text("text_base64", base64_encode(*text));
            }
        } else {
            line_.text("none", text.error().message);
        }
        return line_.finish();
    }

  private:
    void report(const Result<sql::Outcome>& outcome) {
        if (!outcome) return line_.text("none", outcome.error().message);
        if (!outcome->matched) return line_.text("none", "WHERE is not true");
        const auto payload = outcome->output.payload(*message_);
        if (!payload) return line_.text("none", payload.error().message);
        if (outcome->output.is_raw() || payload->empty() || !is_valid_utf8(*payload))
            return line_.text("output_base64", base64_encode(*payload));
        line_.raw("output", *payload);
    }

    TestCase test_;
    FixedClock clock_;
    sql::Environment environment_;
    sql::ExternalSession session_;
    MessagePtr message_;
    sql::MessageContext context_;
    AnswerLine line_;
};

TestAnswer malformed(const Json& id, std::string_view why) {
    AnswerLine line(id);
    line.invalid(0, "the case is malformed: " + std::string(why));
    return {line.finish(), false};
}

}  // namespace

TestAnswer run_test_case(std::string_view case_json, const TestSurroundings& surroundings, bool explain) {
    JsonLimits limits;
    limits.bytes_max = test_case_bytes_max;
    limits.depth_max = case_depth_max;
    // Judged first: the second parser keeps the order of members, but knows no bounds.
    if (const auto bounded = parse_json(case_json, limits); !bounded) return malformed(Json(), bounded.error().message);
    const Json json = Json::parse(case_json, nullptr, false);
    if (!json.is_object()) return malformed(Json(), "it must be a JSON object");
    CaseReader reader(case_json, json);
    TestCase test = reader.read(surroundings.account_id);
    if (reader.malformed()) return malformed(test.id, reader.malformed()->why);
    const bool is_template = test.is_template;
    Run run(std::move(test), surroundings);
    return {is_template ? run.expand() : run.statement(explain), true};
}

std::string explanation_text(std::string_view answer_json) {
    const Json answer = Json::parse(answer_json, nullptr, false);
    std::string out;
    if (!answer.is_object() || !answer.contains("explain")) return out;
    std::string clause;
    for (const Json& step : answer["explain"]) {
        const auto depth = step["depth"].get<std::size_t>();
        if (depth == 0 || step["clause"] != clause) out += step["clause"].get<std::string>() + "\n";
        clause = step["clause"].get<std::string>();
        out += std::string(2 * (depth + 1), ' ') + step["expression"].get<std::string>() + "  →  ";
        if (step.contains("value_base64")) {
            out += "bytes, base64 " + step["value_base64"].get<std::string>() + "\n";
        } else {
            out += (step.contains("value") ? step["value"].dump() : "Undefined") + "\n";
        }
    }
    return out;
}

}  // namespace fogbank::rules
