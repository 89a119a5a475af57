#include "lambda/event_source_record.h"

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "lambda/errc.h"
#include "store/kv/key.h"

namespace fogbank::lambda {
namespace {

using nlohmann::json;
using store::kv::KeyBuilder;

constexpr int record_version = 1;
constexpr std::string_view mappings = "esm", checkpoints = "esc";

WallTime time_of(const json& ms) {
    return WallTime(std::chrono::milliseconds(ms.get<std::int64_t>()));
}

}  // namespace

std::string encode(const EventSourceMapping& mapping) {
    const json out{{"v", record_version},
                   {"id", mapping.id},
                   {"stream_arn", mapping.stream_arn},
                   {"function", mapping.function.name.str()},
                   {"qualifier", mapping.function.qualifier},
                   {"function_arn", mapping.function_arn},
                   {"from_latest", mapping.from_latest},
                   {"enabled", mapping.enabled},
                   {"batch_size", mapping.batch_size},
                   {"batching_window_s", mapping.batching_window_s},
                   {"parallelization", mapping.parallelization},
                   {"record_age_max_s", mapping.record_age_max_s},
                   {"retries_max", mapping.retries_max},
                   {"bisect", mapping.bisect},
                   {"report_item_failures", mapping.report_item_failures},
                   {"on_failure", mapping.on_failure},
                   {"filters", mapping.filters},
                   {"created_at_ms", mapping.created_at.time_since_epoch().count()},
                   {"modified_at_ms", mapping.modified_at.time_since_epoch().count()}};
    return out.dump();
}

Result<EventSourceMapping> decode_event_source_mapping(std::string_view bytes) {
    const Error damaged(Errc::unavailable, "a stored event source mapping cannot be read");
    const auto in = parse_json(bytes);
    if (!in || !in->is_object() || in->value("v", 0) != record_version) return damaged;
    try {
        EventSourceMapping out;
        in->at("id").get_to(out.id);
        in->at("stream_arn").get_to(out.stream_arn);
        out.function = {FunctionName(in->at("function").get<std::string>()), in->at("qualifier").get<std::string>()};
        in->at("function_arn").get_to(out.function_arn);
        in->at("from_latest").get_to(out.from_latest);
        in->at("enabled").get_to(out.enabled);
        in->at("batch_size").get_to(out.batch_size);
        in->at("batching_window_s").get_to(out.batching_window_s);
        in->at("parallelization").get_to(out.parallelization);
        in->at("record_age_max_s").get_to(out.record_age_max_s);
        in->at("retries_max").get_to(out.retries_max);
        in->at("bisect").get_to(out.bisect);
        in->at("report_item_failures").get_to(out.report_item_failures);
        in->at("on_failure").get_to(out.on_failure);
        in->at("filters").get_to(out.filters);
        out.created_at = time_of(in->at("created_at_ms"));
        out.modified_at = time_of(in->at("modified_at_ms"));
        return out;
    } catch (const json::exception&) {
        return damaged;
    }
}

std::string event_source_key(std::string_view id) {
    return KeyBuilder(mappings).text(id).str();
}
store::kv::Range event_source_keys() {
    return KeyBuilder(mappings).prefix_range();
}
std::string checkpoint_key(std::string_view id, std::string_view shard) {
    return KeyBuilder(checkpoints).text(id).text(shard).str();
}
store::kv::Range checkpoint_keys(std::string_view id) {
    return KeyBuilder(checkpoints).text(id).prefix_range();
}

}  // namespace fogbank::lambda
