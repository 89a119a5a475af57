// kafka: the payload as a record. Source: reference "rules-actions", section 12.

#include "rules/actions/kafka.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

using nlohmann::json;

constexpr std::size_t headers_max = 100;

/// AWS's client properties and librdkafka's names for them; an empty one is checked and not passed on.
struct Property {
    std::string_view name, ours;
};
constexpr std::array properties{
    Property{"bootstrap.servers", "bootstrap.servers"},
    Property{"acks", "acks"},
    Property{"compression.type", "compression.codec"},
    Property{"security.protocol", "security.protocol"},
    Property{"key.serializer", ""},
    Property{"value.serializer", ""},
    Property{"sasl.mechanism", "sasl.mechanism"},
    Property{"sasl.plain.username", "sasl.username"},
    Property{"sasl.plain.password", "sasl.password"},
    Property{"sasl.scram.username", "sasl.username"},
    Property{"sasl.scram.password", "sasl.password"},
};

struct Parameters {
    sql::Template topic;
    std::optional<sql::Template> key, partition;
    std::vector<std::pair<sql::Template, sql::Template>> headers;
    std::vector<std::pair<std::string, sql::Template>> client;  ///< librdkafka's names
};

class KafkaAction final : public OutboundAction {
  public:
    explicit KafkaAction(Parameters parameters)
        : OutboundAction("KafkaAction", "Failed to produce Kafka record."), parameters_(std::move(parameters)) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        work.kind = OutboundWork::Kind::kafka;
        auto topic = expand(parameters_.topic, input);
        if (!topic) return topic.error();
        work.resource = *topic;
        json record{{"topic", *topic}};
        if (parameters_.key) {
            auto key = expand(*parameters_.key, input);
            if (!key) return key.error();
            record["key"] = base64_encode(*key);
        }
        if (parameters_.partition) {
            auto partition = expand(*parameters_.partition, input);
            if (!partition) return partition.error();
            const auto number = sql::decimal_from_text(*partition);
            const auto whole = number ? number->to_int64() : std::nullopt;
            if (!whole || *whole < 0 || *whole > INT32_MAX)
                return Error(Errc::evaluation, "partition `" + *partition + "` is not a number");
            record["partition"] = *whole;
        }
        json headers = json::array();
        for (const auto& [key, value] : parameters_.headers) {
            auto name = expand(key, input);
            if (!name) return name.error();
            auto text = expand(value, input);
            if (!text) return text.error();
            headers.push_back({{"key", *name}, {"value", *text}});
        }
        record["headers"] = std::move(headers);
        json client = json::object();
        for (const auto& [name, value] : parameters_.client) {
            auto text = expand(value, input);
            if (!text) return text.error();
            std::string lower = *text;
            const bool enumeration = name == "security.protocol" || name == "compression.codec";
            if (enumeration)
                std::transform(lower.begin(), lower.end(), lower.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            client[name] = enumeration ? lower : *text;
        }
        record["properties"] = std::move(client);
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        record["value"] = base64_encode(*payload);
        work.kafka_json = record.dump(-1, ' ', false, json::error_handler_t::replace);
        return {};
    }

  private:
    Parameters parameters_;
};

void read_client_properties(const ActionDefinition& definition, ParameterReader& read, Parameters& out) {
    const auto found = definition.parameters.find("clientProperties");
    if (found == definition.parameters.end() || !found->is_object() || !found->contains("bootstrap.servers"))
        return read.wrong("`clientProperties` must be an object with `bootstrap.servers`");
    const ActionDefinition inner{*found, definition.statement, definition.services, definition.asking, definition.destinations};
    ParameterReader part(inner, "kafka");
    if (!found->contains("security.protocol")) {
        auto secure = sql::Template::create("SSL", definition.statement);
        out.client.emplace_back("security.protocol", std::move(*secure));
    }
    for (const auto& [name, value] : found->items()) {
        const auto row = std::find_if(properties.begin(), properties.end(), [&key = name](const Property& one) { return one.name == key; });
        if (row == properties.end()) return read.wrong("client property `" + name + "` is not available in this server");
        auto text = part.text(name);
        if (part.error()) return read.wrong(part.error()->message);
        if (!row->ours.empty()) out.client.emplace_back(std::string(row->ours), std::move(text));
    }
}

void read_headers(const ActionDefinition& definition, ParameterReader& read, Parameters& out) {
    const auto found = definition.parameters.find("headers");
    if (found == definition.parameters.end() || found->is_null()) return;
    if (!found->is_array() || found->empty() || found->size() > headers_max)
        return read.wrong("`headers` must be an array of 1 to 100 elements");
    for (const json& one : *found) {
        if (!one.is_object()) return read.wrong("a header is an object with `key` and `value`");
        const ActionDefinition inner{one, definition.statement, definition.services, definition.asking, definition.destinations};
        ParameterReader part(inner, "kafka");
        auto key = part.text("key");
        auto value = part.text("value");
        if (part.error()) return read.wrong(part.error()->message);
        out.headers.emplace_back(std::move(key), std::move(value));
    }
}

}  // namespace

MadeAction make_kafka_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "kafka");
    if (definition.services.kafka == nullptr || definition.services.outbox == nullptr)
        return Error(Errc::invalid_request, "kafka action: this server sends nothing out");
    // Where the brokers are is said by bootstrap.servers; the VPC destination has no meaning of its own here.
    if (read.literal("destinationArn").find(":ruledestination/vpc/") == std::string::npos)
        read.wrong("`destinationArn` must be the ARN of a VPC destination");
    Parameters parameters;
    parameters.topic = read.text("topic");
    parameters.key = read.optional_text("key");
    parameters.partition = read.optional_text("partition");
    read_headers(definition, read, parameters);
    read_client_properties(definition, read, parameters);
    if (read.error()) return *read.error();
    return std::make_unique<KafkaAction>(std::move(parameters));
}

}  // namespace fogbank::rules
