#include "lambda/function_record.h"

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "common/json.h"
#include "store/kv/key.h"

namespace fogbank::lambda {
namespace {

using nlohmann::json;
constexpr int record_version = 1;

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

FunctionRecord from_json(const json& in) {
    FunctionRecord record;
    FunctionConfiguration& c = record.configuration;
    c.name = FunctionName(in.at("name").get<std::string>());
    in.at("arn").get_to(c.arn);
    in.at("runtime").get_to(c.runtime);
    in.at("role").get_to(c.role);
    in.at("handler").get_to(c.handler);
    in.at("description").get_to(c.description);
    in.at("environment").get_to(c.environment);
    in.at("timeout_s").get_to(c.timeout_s);
    in.at("memory_mb").get_to(c.memory_mb);
    in.at("code_size_bytes").get_to(c.code_size_bytes);
    in.at("code_sha256").get_to(c.code_sha256);
    in.at("revision_id").get_to(c.revision_id);
    c.modified_at = WallTime(std::chrono::milliseconds(in.at("modified_at_ms").get<std::int64_t>()));
    // Records of earlier servers lack what follows.
    c.version = in.value("function_version", c.version);
    c.architecture = in.value("architecture", c.architecture);
    record.origin = in.at("origin").get<std::string>();
    record.object_sha256 = hex_decode(in.at("object_sha256").get<std::string>()).value_or("");
    return record;
}

}  // namespace

std::string encode(const FunctionRecord& record) {
    const FunctionConfiguration& c = record.configuration;
    const json out = {{"version", record_version},
                      {"name", c.name.str()},
                      {"arn", c.arn},
                      {"runtime", c.runtime},
                      {"role", c.role},
                      {"handler", c.handler},
                      {"description", c.description},
                      {"environment", c.environment},
                      {"timeout_s", c.timeout_s},
                      {"memory_mb", c.memory_mb},
                      {"code_size_bytes", c.code_size_bytes},
                      {"code_sha256", c.code_sha256},
                      {"revision_id", c.revision_id},
                      {"modified_at_ms", milliseconds(c.modified_at)},
                      {"function_version", c.version},
                      {"architecture", c.architecture},
                      {"origin", record.origin.string()},
                      {"object_sha256", hex_encode(record.object_sha256)}};
    return out.dump();
}

Result<FunctionRecord> decode_function_record(std::string_view bytes) {
    const Error corrupt(Errc::unavailable, "a stored function cannot be read");
    const auto parsed = parse_json(bytes);
    if (!parsed || !parsed->is_object()) return corrupt;
    try {
        if (parsed->at("version") != record_version) return corrupt;
        return from_json(*parsed);
    } catch (const json::exception&) {
        return corrupt;
    }
}

std::string function_key(const FunctionName& name) {
    return store::kv::KeyBuilder("fn").text(name.view()).str();
}
store::kv::Range function_keys() {
    return store::kv::KeyBuilder("fn").prefix_range();
}

}  // namespace fogbank::lambda
