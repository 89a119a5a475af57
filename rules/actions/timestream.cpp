// timestream: one record per top-level attribute. Source: reference "rules-actions", section 12.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

constexpr std::size_t dimensions_max = 128, records_max = 100;

struct Dimension {
    std::string name;
    sql::Template value;
};

/// The measure's type and text; nothing for Null, which has no type there.
std::optional<std::pair<std::string, std::string>> measure(const sql::Value& value) {
    using Kind = sql::Value::Kind;
    if (value.is_null() || value.is_undefined()) return std::nullopt;
    std::string text;
    if (value.is_string()) return std::pair<std::string, std::string>("VARCHAR", value.text());
    if (!sql::append_json(text, value, sql::value_bytes_max)) return std::nullopt;
    switch (value.kind()) {
        case Kind::boolean:
            return std::pair<std::string, std::string>("BOOLEAN", text);
        case Kind::integer:
            return std::pair<std::string, std::string>("BIGINT", text);
        case Kind::decimal:
            return std::pair<std::string, std::string>("DOUBLE", text);
        default:
            return std::pair<std::string, std::string>("VARCHAR", text);
    }
}

class TimestreamAction final : public OutboundAction {
  public:
    struct Parameters {
        sql::Template database, table;
        std::vector<Dimension> dimensions;
        std::optional<sql::Template> time;
        std::string unit = "MILLISECONDS";
    };
    explicit TimestreamAction(Parameters parameters)
        : OutboundAction("TimestreamAction", "Failed to write records to Timestream."), parameters_(std::move(parameters)) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto database = expand(parameters_.database, input);
        if (!database) return database.error();
        auto table = expand(parameters_.table, input);
        if (!table) return table.error();
        work.resource = *database + "/" + *table;
        if (input.output.is_raw() || input.output.value().kind() != sql::Value::Kind::object)
            return Error(Errc::evaluation, "the result of SELECT is not an object: each of its members becomes a record");
        auto common = common_attributes(input);
        if (!common) return common.error();
        nlohmann::json records = nlohmann::json::array();
        for (const auto& [name, value] : input.output.value().members()) {
            if (auto typed = measure(value))
                records.push_back(
                    {{"MeasureName", std::string(name.view())}, {"MeasureValue", typed->second}, {"MeasureValueType", typed->first}});
        }
        if (records.empty() || records.size() > records_max)
            return Error(Errc::evaluation, "the result of SELECT must have 1 to " + std::to_string(records_max) + " values");
        const nlohmann::json body{
            {"DatabaseName", *database}, {"TableName", *table}, {"CommonAttributes", std::move(*common)}, {"Records", std::move(records)}};
        work.steps.push_back(json_step("timestream", "1.0", "Timestream_20181101.WriteRecords",
                                       body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
        return {};
    }

  private:
    Result<nlohmann::json> common_attributes(const ActionInput& input) const {
        nlohmann::json dimensions = nlohmann::json::array();
        for (const Dimension& dimension : parameters_.dimensions) {
            auto value = expand(dimension.value, input);
            if (!value) return value.error();
            dimensions.push_back({{"Name", dimension.name}, {"Value", *value}});
        }
        std::string time = std::to_string(input.environment.clock.now().time_since_epoch().count());
        std::string unit = "MILLISECONDS";
        if (parameters_.time) {
            auto given = expand(*parameters_.time, input);
            if (!given) return given.error();
            time = std::move(*given);
            unit = parameters_.unit;
        }
        return nlohmann::json{{"Dimensions", std::move(dimensions)}, {"Time", time}, {"TimeUnit", unit}};
    }

    Parameters parameters_;
};

bool is_dimension_name(const std::string& name) {
    return !name.empty() && name != "time" && !name.starts_with("measure_value") && name != "measure_name" && !name.starts_with("ts_") &&
           name.find(':') == std::string::npos;
}

void read_dimensions(const ActionDefinition& definition, ParameterReader& read, TimestreamAction::Parameters& out) {
    const auto found = definition.parameters.find("dimensions");
    if (found == definition.parameters.end() || !found->is_array() || found->empty() || found->size() > dimensions_max)
        return read.wrong("`dimensions` must be an array of 1 to " + std::to_string(dimensions_max) + " elements");
    for (const nlohmann::json& one : *found) {
        if (!one.is_object()) return read.wrong("a dimension is an object with `name` and `value`");
        const ActionDefinition inner{one, definition.statement, definition.services, definition.asking, definition.destinations};
        ParameterReader part(inner, "timestream");
        Dimension dimension{part.literal("name"), part.text("value")};
        if (!is_dimension_name(dimension.name)) part.wrong("`" + dimension.name + "` cannot name a dimension");
        if (part.error()) return read.wrong(part.error()->message);
        out.dimensions.push_back(std::move(dimension));
    }
}

void read_timestamp(const ActionDefinition& definition, ParameterReader& read, TimestreamAction::Parameters& out) {
    const auto found = definition.parameters.find("timestamp");
    if (found == definition.parameters.end() || found->is_null()) return;
    if (!found->is_object()) return read.wrong("`timestamp` is an object with `value` and `unit`");
    const ActionDefinition inner{*found, definition.statement, definition.services, definition.asking, definition.destinations};
    ParameterReader part(inner, "timestream");
    out.time = part.text("value");
    out.unit = part.choice("unit", {"MILLISECONDS", "SECONDS", "MICROSECONDS", "NANOSECONDS"});
    if (part.error()) read.wrong(part.error()->message);
}

}  // namespace

MadeAction make_timestream_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "timestream");
    TimestreamAction::Parameters parameters;
    parameters.database = read.text("databaseName");
    parameters.table = read.text("tableName");
    read_dimensions(definition, read, parameters);
    read_timestamp(definition, read, parameters);
    read.role();
    read.sink("timestream");
    if (read.error()) return *read.error();
    return std::make_unique<TimestreamAction>(std::move(parameters));
}

}  // namespace fogbank::rules
