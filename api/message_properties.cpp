#include "api/message_properties.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "common/encoding.h"
#include "common/json.h"

namespace fogbank::api {
namespace {

using nlohmann::json;

constexpr std::size_t user_properties_bytes_max = 8 * 1024;  // the header section is bounded as well

Error bad_user_properties() {
    return validation_error("userProperties must be a base64-encoded JSON array of objects with one string member each");
}

/// The header holds base64 of a JSON array of one-member objects, or of a JSON string that holds such an array (boto3 given a str does
/// that).
Result<void> read_user_properties(std::string_view header, MessageProperties& out) {
    const auto text = base64_decode(header);
    if (!text) return bad_user_properties();
    auto list = parse_json(*text, JsonLimits{user_properties_bytes_max, 4});
    if (list && list->is_string()) list = parse_json(list->get<std::string>(), JsonLimits{user_properties_bytes_max, 4});
    if (!list || !list->is_array()) return bad_user_properties();
    for (const json& entry : *list) {
        if (!entry.is_object() || entry.size() != 1 || !entry.begin()->is_string()) return bad_user_properties();
        out.user_properties.emplace_back(entry.begin().key(), entry.begin()->get<std::string>());
    }
    return {};
}

Result<void> read_format_indicator(std::string_view header, MessageProperties& out) {
    if (header == "UTF8_DATA") {
        out.payload_format_indicator = 1;
    } else if (header == "UNSPECIFIED_BYTES") {
        out.payload_format_indicator = 0;
    } else {
        return constraint_error(std::string(header), "payloadFormatIndicator",
                                "Member must satisfy enum value set: [UNSPECIFIED_BYTES, UTF8_DATA]");
    }
    return {};
}

}  // namespace

TopicLimits topic_limits(const Quotas& quotas) {
    return TopicLimits{quotas.bytes(Quota::topic_bytes), quotas.bytes(Quota::topic_slashes)};
}

Result<std::unique_ptr<MessageProperties>> read_message_properties(const Call& call, const Quotas& quotas) {
    const TopicLimits limits = topic_limits(quotas);
    const std::int64_t expiry_min = quotas[Quota::message_expiry_s_min];
    const std::int64_t expiry_max = quotas[Quota::message_expiry_s_max];
    auto out = std::make_unique<MessageProperties>();
    bool any = false;
    if (const auto* text = call.query_value("contentType")) any = true, out->content_type = *text;
    if (const auto* text = call.query_value("responseTopic")) {
        any = true;
        if (const auto valid = validate_topic_name(*text, limits); !valid)
            return validation_error("responseTopic: " + valid.error().message);
        out->response_topic = *text;
    }
    const auto expiry = query_integer(call, "messageExpiry", 0, UINT32_MAX);
    if (!expiry) return expiry.error();
    if (*expiry) any = true, out->message_expiry_interval_s = static_cast<std::uint32_t>(std::clamp(**expiry, expiry_min, expiry_max));
    if (const auto header = call.request.header("x-amz-mqtt5-correlation-data")) {
        auto bytes = base64_decode(*header);
        if (!bytes) return validation_error("correlationData must be base64");
        any = true, out->correlation_data = std::move(*bytes);
    }
    if (const auto header = call.request.header("x-amz-mqtt5-payload-format-indicator")) {
        any = true;
        if (const auto read = read_format_indicator(*header, *out); !read) return read.error();
    }
    if (const auto header = call.request.header("x-amz-mqtt5-user-properties")) {
        any = true;
        if (const auto read = read_user_properties(*header, *out); !read) return read.error();
    }
    if (!any) return std::unique_ptr<MessageProperties>();
    return out;
}

}  // namespace fogbank::api
