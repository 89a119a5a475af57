// Functions on the message, its publisher, the account and the time. Source: reference "rules-sql", sections 9.4 and 9.5.

#include <array>

#include "common/encoding.h"
#include "common/topic.h"
#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

Value text(std::string_view view) {
    return Value::string(std::string(view));
}
Value text_or_undefined(std::string_view view) {
    return view.empty() ? Value() : text(view);
}

const MessageOrigin& origin(const CallContext& context) {
    return context.message->message().origin();
}

/// A level beyond the last is Undefined; AWS documents nothing.
Value topic(const CallContext& context, Arguments arguments) {
    const std::string_view name = context.message->topic();
    if (arguments.empty()) return Value::string(Text::borrowed(name));
    const auto number = to_decimal(arguments[0]);
    const auto level = number ? number->floor().to_int64() : std::nullopt;
    if (!level || *level < 1) return {};
    const auto found = topic_level(name, static_cast<std::size_t>(*level));
    return found ? Value::string(Text::borrowed(*found)) : Value();
}

Value client_id(const CallContext& context, Arguments) {
    const MessageOrigin& from = origin(context);
    return text(from.protocol == MessageOrigin::Protocol::mqtt ? std::string_view(from.client_id) : "n/a");
}

Value principal(const CallContext& context, Arguments) {
    return text_or_undefined(origin(context).principal_id);
}
Value source_ip(const CallContext& context, Arguments) {
    return text_or_undefined(origin(context).source_ip);
}
Value account_id(const CallContext& context, Arguments) {
    return text(context.environment->account_id);
}

Value trace_id(const CallContext& context, Arguments) {
    if (origin(context).protocol != MessageOrigin::Protocol::mqtt) return {};
    return text(context.message->trace_id(context.environment->random));
}

Value new_uuid(const CallContext& context, Arguments) {
    return Value::string(context.environment->random.uuid());
}
Value timestamp(const CallContext& context, Arguments) {
    return Value::integer(context.environment->clock.now().time_since_epoch().count());
}
Value sql_version(const CallContext& context, Arguments) {
    return text(version_text(context.version));
}

Value mqtt_property(const CallContext& context, Arguments arguments) {
    const MessageProperties* properties = context.message->message().properties();
    if (!arguments[0].is_string()) return {};
    const std::string_view name = arguments[0].text();
    if (name == "format_indicator") {
        const bool utf8 = properties != nullptr && properties->payload_format_indicator == std::uint8_t{1};
        return text(utf8 ? "UTF8_DATA" : "UNSPECIFIED_BYTES");
    }
    if (properties == nullptr) return {};
    if (name == "content_type") return text_or_undefined(properties->content_type);
    if (name == "response_topic") return text_or_undefined(properties->response_topic);
    if (name == "correlation_data") return text_or_undefined(base64_encode(properties->correlation_data));
    return {};
}

Value user_properties(const CallContext& context, Arguments arguments) {
    const MessageProperties* properties = context.message->message().properties();
    Array found;
    if (!arguments.empty() && !arguments[0].is_string()) return {};
    if (properties != nullptr) {
        for (const auto& [name, value] : properties->user_properties) {
            if (!arguments.empty()) {
                if (name == arguments[0].text()) found.push_back(text(value));
                continue;
            }
            Object pair;
            pair.append(Text::owned(name), text(value));
            found.push_back(Value::object(std::move(pair)));
        }
    }
    return !arguments.empty() && found.empty() ? Value() : Value::array(std::move(found));
}

constexpr auto v2015 = Version::v2015_10_08;
constexpr std::array<Function, 11> table{{
    {"accountid", 0, 0, v2015, false, false, account_id},
    {"clientid", 0, 0, v2015, false, false, client_id},
    {"get_mqtt_property", 1, 1, v2015, false, false, mqtt_property},
    {"get_user_properties", 0, 1, v2015, false, false, user_properties},
    {"newuuid", 0, 0, v2015, false, false, new_uuid},
    {"principal", 0, 0, v2015, false, false, principal},
    {"sourceip", 0, 0, Version::v2016_03_23, false, false, source_ip},
    {"sql_version", 0, 0, v2015, true, false, sql_version},
    {"timestamp", 0, 0, v2015, false, false, timestamp},
    {"topic", 0, 1, v2015, false, false, topic},
    {"traceid", 0, 0, v2015, false, false, trace_id},
}};

}  // namespace

std::span<const Function> message_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
