#include "rules/actions/republish_headers.h"

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

constexpr std::size_t user_properties_max = 100, text_bytes_max = 1024;

Error wrong(std::string_view name, const std::string& value, std::string_view what) {
    return {Errc::evaluation, "header " + std::string(name) + ": `" + value.substr(0, 100) + "` " + std::string(what)};
}

/// The text of a header that is given; empty otherwise.
Result<std::string> text_of(const std::optional<sql::Template>& given, std::string_view name, const ActionInput& input) {
    if (!given) return std::string();
    auto text = expand(*given, input);
    if (text && text->size() > text_bytes_max) return wrong(name, *text, "is longer than 1024 bytes");
    return text;
}

std::optional<std::uint32_t> seconds(const std::string& text) {
    const auto number = sql::decimal_from_text(text);
    const auto whole = number ? number->to_int64() : std::nullopt;
    if (!whole || *whole < 0 || *whole > UINT32_MAX) return std::nullopt;
    return static_cast<std::uint32_t>(*whole);
}

}  // namespace

Result<RepublishHeaders> RepublishHeaders::read(const nlohmann::json& headers, const ActionDefinition& definition) {
    if (!headers.is_object()) return Error(Errc::invalid_request, "republish action: `headers` must be an object");
    const ActionDefinition inner{headers, definition.statement, definition.services, definition.asking, definition.destinations};
    ParameterReader read(inner, "republish");
    RepublishHeaders out;
    out.payload_format_indicator_ = read.optional_text("payloadFormatIndicator");
    out.content_type_ = read.optional_text("contentType");
    out.response_topic_ = read.optional_text("responseTopic");
    out.correlation_data_ = read.optional_text("correlationData");
    out.message_expiry_ = read.optional_text("messageExpiry");
    if (const auto list = headers.find("userProperties"); list != headers.end() && !list->is_null()) {
        if (!list->is_array() || list->empty() || list->size() > user_properties_max)
            read.wrong("`userProperties` must be an array of 1 to 100 elements");
        for (const nlohmann::json& pair : list->is_array() ? *list : nlohmann::json::array()) {
            const ActionDefinition one{pair, definition.statement, definition.services, definition.asking, definition.destinations};
            ParameterReader part(one, "republish");
            if (!pair.is_object())
                return Error(Errc::invalid_request, "republish action: a user property is an object with `key` and `value`");
            auto key = part.text("key");
            auto value = part.text("value");
            if (part.error()) return *part.error();
            out.user_properties_.emplace_back(std::move(key), std::move(value));
        }
    }
    if (read.error()) return *read.error();
    return out;
}

Result<std::unique_ptr<const MessageProperties>> RepublishHeaders::properties(const ActionInput& input) const {
    auto made = std::make_unique<MessageProperties>();
    auto format = text_of(payload_format_indicator_, "payloadFormatIndicator", input);
    if (!format) return format.error();
    if (*format == "UTF8_DATA") made->payload_format_indicator = 1;
    if (*format == "UNSPECIFIED_BYTES") made->payload_format_indicator = 0;
    if (payload_format_indicator_ && !made->payload_format_indicator)
        return wrong("payloadFormatIndicator", *format, "is neither UTF8_DATA nor UNSPECIFIED_BYTES");
    auto content_type = text_of(content_type_, "contentType", input);
    if (!content_type) return content_type.error();
    made->content_type = std::move(*content_type);
    auto response_topic = text_of(response_topic_, "responseTopic", input);
    if (!response_topic) return response_topic.error();
    if (response_topic->find_first_of("+#") != std::string::npos) return wrong("responseTopic", *response_topic, "has a wildcard");
    made->response_topic = std::move(*response_topic);
    auto correlation = text_of(correlation_data_, "correlationData", input);
    if (!correlation) return correlation.error();
    auto bytes = base64_decode(*correlation);
    if (!bytes) return wrong("correlationData", *correlation, "is not base64");
    made->correlation_data = std::move(*bytes);
    auto expiry = text_of(message_expiry_, "messageExpiry", input);
    if (!expiry) return expiry.error();
    if (message_expiry_ && !(made->message_expiry_interval_s = seconds(*expiry)))
        return wrong("messageExpiry", *expiry, "is not a whole number of seconds");
    for (const auto& [key, value] : user_properties_) {
        auto name = text_of(key, "userProperties", input);
        if (!name) return name.error();
        auto text = text_of(value, "userProperties", input);
        if (!text) return text.error();
        made->user_properties.emplace_back(std::move(*name), std::move(*text));
    }
    return std::unique_ptr<const MessageProperties>(std::move(made));
}

}  // namespace fogbank::rules
