#include "shadow/update.h"

#include <charconv>
#include <utility>

#include "shadow/errc.h"

namespace fogbank::shadow {
namespace {

/// Levels around the sections: the request, `state`, the section itself.
constexpr std::size_t wrapping_levels = 3;

Error invalid(std::string message) {
    return Error(Errc::invalid_request, std::move(message));
}

ValueLimits value_limits(const Limits& limits) {
    ValueLimits out;
    out.bytes_max = limits.request_bytes_max;
    return out;
}

Result<void> check_section(const Value& section, std::string_view refusal, const Limits& limits) {
    if (section.is_null()) return {};
    if (!section.is_object()) return invalid(std::string(refusal));
    if (levels(section) > limits.levels_max + 1) return invalid("JSON contains too many levels of nesting; maximum is 6");
    // AWS documents that it refuses this, not in which words.
    if (has_null_in_array(section)) return invalid("State contains an invalid node: null in an array");
    return {};
}

Result<void> check_state(const Value& state, const Limits& limits) {
    if (state.is_null()) return {};
    if (!state.is_object()) return invalid("State node must be an object");
    for (const Member& member : state.members) {
        if (member.name == "desired") {
            if (auto valid = check_section(member.value, "Desired node must be an object", limits); !valid) return valid;
        } else if (member.name == "reported") {
            if (auto valid = check_section(member.value, "Reported node must be an object", limits); !valid) return valid;
        } else {
            return invalid("State contains an invalid node: '" + member.name + "'");
        }
    }
    return {};
}

Result<std::int64_t> read_version(const Value& value) {
    std::int64_t out = 0;
    const char* const end = value.text.data() + value.text.size();
    const auto read = std::from_chars(value.text.data(), end, out);
    if (value.kind != Value::Kind::number || read.ec != std::errc() || read.ptr != end || out < 0) return invalid("Invalid version");
    return out;
}

bool is_client_token(const Value& value, const Limits& limits) {
    return value.kind == Value::Kind::string && value.text.size() <= limits.client_token_bytes_max;
}

Result<Update> read_update(Value request, const Limits& limits) {
    if (!request.is_object()) return invalid("Invalid JSON");
    Value* state = request.find("state");
    if (state == nullptr) return invalid("Missing required node: state");
    if (auto valid = check_state(*state, limits); !valid) return valid.error();
    if (const Value* token = request.find("clientToken"); token != nullptr && !is_client_token(*token, limits)) {
        return invalid("Invalid clientToken");
    }
    Update out;
    if (const Value* version = request.find("version")) {
        const auto read = read_version(*version);
        if (!read) return read.error();
        out.version = *read;
    }
    out.state = std::move(*state);
    return out;
}

std::optional<std::string> token_in(const Value& request, const Limits& limits) {
    const Value* token = request.is_object() ? request.find("clientToken") : nullptr;
    if (token == nullptr || !is_client_token(*token, limits)) return std::nullopt;
    return token->text;
}

}  // namespace

Limits Limits::of(const Quotas& quotas) {
    Limits out;
    out.request_bytes_max = quotas.bytes(Quota::mqtt_payload_bytes);
    out.document_bytes_max = quotas.bytes(Quota::shadow_document_bytes);
    out.levels_max = quotas.bytes(Quota::shadow_levels);
    out.client_token_bytes_max = quotas.bytes(Quota::shadow_client_token_bytes);
    out.inflight_max = quotas.bytes(Quota::shadow_inflight_per_thing);
    static_assert(wrapping_levels + 32 < 64, "the relaxed quota fits what the parser takes");
    return out;
}

ParsedUpdate parse_update(std::string_view payload, const Limits& limits) {
    auto request = parse_value(payload, value_limits(limits));
    if (!request) return {request.error(), std::nullopt};
    auto token = token_in(*request, limits);
    return {read_update(std::move(*request), limits), std::move(token)};
}

std::optional<std::string> client_token_of(std::string_view payload, const Limits& limits) {
    if (payload.empty()) return std::nullopt;
    const auto request = parse_value(payload, value_limits(limits));
    if (!request) return std::nullopt;
    return token_in(*request, limits);
}

}  // namespace fogbank::shadow
