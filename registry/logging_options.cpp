#include "registry/logging_options.h"

#include <algorithm>
#include <array>

#include "registry/detail/keys.h"
#include "registry/detail/parts.h"
#include "registry/detail/record_json.h"
#include "registry/detail/validation.h"
#include "store/kv/key.h"

namespace fogbank::registry {

using namespace record_json;

namespace {

constexpr std::string_view setting_name = "logging-options";
constexpr std::array<std::string_view, 5> levels{"DEBUG", "INFO", "ERROR", "WARN", "DISABLED"};
constexpr std::array<std::string_view, 5> target_types{"DEFAULT", "THING_GROUP", "CLIENT_ID", "SOURCE_IP", "PRINCIPAL_ID"};
constexpr std::size_t target_name_bytes_max = 1024;
constexpr std::size_t event_text_bytes_max = 512;  // AWS IoT API reference, LogEventConfiguration
constexpr std::size_t events_max = 100;            // Fogbank: there are fewer types of events

bool is_one_of(std::string_view text, const std::array<std::string_view, 5>& set) {
    return std::find(set.begin(), set.end(), text) != set.end();
}

Validation check_level(std::string_view member, std::string_view level) {
    Validation check;
    check.require(is_one_of(level, levels), member, level, "Member must satisfy enum value set: [DEBUG, INFO, ERROR, WARN, DISABLED]");
    return check;
}

Validation& check_target(Validation& check, const LogTarget& target) {
    check.require(is_one_of(target.type, target_types), "logTarget.targetType", target.type,
                  "Member must satisfy enum value set: [DEFAULT, THING_GROUP, CLIENT_ID, SOURCE_IP, PRINCIPAL_ID]");
    check.text("logTarget.targetName", target.name, target_name_bytes_max);
    return check.require(target.type == "DEFAULT" || !target.name.empty(), "logTarget.targetName", target.name,
                         "Member must not be empty unless the target type is DEFAULT");
}

bool is_log_group(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-/#").find(c) != std::string_view::npos;
    });
}

Result<void> check_events(const std::vector<EventLogging>& events) {
    Validation check;
    check.require(events.size() <= events_max, "eventConfigurations", "", "Member must have length less than or equal to 100");
    for (const EventLogging& one : events) {
        check.require(!one.event_type.empty(), "eventType", "", "Member must have length greater than or equal to 1");
        check.text("eventType", one.event_type, event_text_bytes_max).text("logDestination", one.destination, event_text_bytes_max);
        check.require(is_log_group(one.destination), "logDestination", one.destination,
                      "Member must satisfy regular expression pattern: ^[.\\-_/#A-Za-z0-9]+$");
        check.require(one.level.empty() || is_one_of(one.level, levels), "logLevel", one.level,
                      "Member must satisfy enum value set: [DEBUG, INFO, ERROR, WARN, DISABLED]");
        const auto same = [&](const EventLogging& other) { return other.event_type == one.event_type; };
        check.require(std::count_if(events.begin(), events.end(), same) == 1, "eventType", one.event_type, "Member must be unique");
    }
    return check.result();
}

std::vector<EventLogging> decode_events(const json& value) {
    std::vector<EventLogging> out;
    // Settings that were stored before there were any have none.
    for (const json& one : value.value("events", json::array()))
        out.push_back({one.at("type").get<std::string>(), one.at("level").get<std::string>(), one.at("destination").get<std::string>()});
    return out;
}

json encode_events(const std::vector<EventLogging>& events) {
    json out = json::array();
    for (const EventLogging& one : events)
        out.push_back({{"type", one.event_type}, {"level", one.level}, {"destination", one.destination}});
    return out;
}

Result<LoggingSettings> decode_settings(std::string_view bytes) {
    return decode<LoggingSettings>("setting", "logging options", bytes, [](const json& value) {
        LoggingSettings out;
        out.role_arn = value.at("role").get<std::string>();
        out.default_level = value.at("level").get<std::string>();
        out.disable_all = value.at("disable_all").get<bool>();
        out.events = decode_events(value);
        return out;
    });
}

Error not_configured() {
    return {Errc::not_configured, "Logging options are not configured. Use SetV2LoggingOptions first"};
}

}  // namespace

std::string server_log_level(const LoggingSettings& settings) {
    if (settings.disable_all || settings.default_level == "DISABLED") return "off";
    if (settings.default_level == "DEBUG") return "debug";
    if (settings.default_level == "WARN") return "warn";
    if (settings.default_level == "ERROR") return "error";
    return "info";
}

Awaitable<void> LoggingOptionsPart::set_logging_options(LoggingSettings settings) {
    if (!settings.default_level.empty()) {
        if (auto valid = check_level("defaultLogLevel", settings.default_level).result(); !valid) co_return valid.error();
    }
    if (auto valid = check_events(settings.events); !valid) co_return valid.error();
    ChangeBody<void> body = [settings = std::move(settings)](Transaction& tx, Affected&) -> Result<void> {
        tx.put(keys::setting(setting_name), dump({{"v", format_version},
                                                  {"role", settings.role_arn},
                                                  {"level", settings.default_level},
                                                  {"disable_all", settings.disable_all},
                                                  {"events", encode_events(settings.events)}}));
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<LoggingSettings> LoggingOptionsPart::logging_options() {
    const auto bytes = co_await core_.read(keys::setting(setting_name));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return not_configured();
    co_return decode_settings(**bytes);
}

Awaitable<void> LoggingOptionsPart::set_logging_level(LogTarget target, std::string level) {
    Validation check = check_level("logLevel", level);
    if (auto valid = check_target(check, target).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [target = std::move(target), level = std::move(level)](Transaction& tx, Affected&) -> Result<void> {
        const auto configured = tx.get(keys::setting(setting_name));
        if (!configured) return configured.error();
        if (!*configured) return not_configured();
        tx.put(keys::log_level(target.type, target.name), level);
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> LoggingOptionsPart::delete_logging_level(LogTarget target) {
    ChangeBody<void> body = [target = std::move(target)](Transaction& tx, Affected&) -> Result<void> {
        tx.erase(keys::log_level(target.type, target.name));
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<ListPage<LogTargetLevel>> LoggingOptionsPart::list_logging_levels(std::string target_type, PageRequest page) {
    if (auto valid = Validation().page(page, "maxResults").result(); !valid) co_return valid.error();
    const auto configured = co_await core_.read(keys::setting(setting_name));
    if (!configured) co_return configured.error();
    if (!*configured) co_return not_configured();
    const Range all = keys::log_levels();
    // Targets of one type begin alike; the type's key part ends with its terminator, so no other type begins with it.
    Range range = all;
    if (!target_type.empty()) {
        range.begin = all.begin + store::kv::KeyBuilder().text(target_type).str();
        range.end = store::kv::prefix_end(range.begin);
    }
    auto found = co_await core_.scan_page(range, std::move(page));
    if (!found) co_return found.error();
    ListPage<LogTargetLevel> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) {
        store::kv::KeyReader reader(item.key);
        reader.skip(all.begin.size());
        LogTargetLevel one;
        one.target.type = reader.text().value_or("");
        one.target.name = reader.text().value_or("");
        one.level = item.value;
        out.items.push_back(std::move(one));
    }
    co_return out;
}

}  // namespace fogbank::registry
