/// CloudWatch Logs: what `aws logs tail`, filter-log-events and get-log-events use, and the simple rest. Source: CloudWatch Logs API
/// reference 2014-03-28.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/callback.h"
#include "api/members.h"
#include "common/json.h"
#include "logs/log_store.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using logs::LogStore;
using logs::StoredEvent;
using nlohmann::json;

// CloudWatch Logs API reference: PutLogEvents, DescribeLogGroups, GetLogEvents.
constexpr std::size_t body_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t put_bytes_max = 1024 * 1024, put_events_max = 10'000, put_event_overhead = 26;
constexpr std::int64_t describe_max = 50, events_max = 10'000;
constexpr std::size_t answer_bytes_max = 1024 * 1024;
constexpr std::chrono::hours too_old(14 * 24), too_new(2);
constexpr std::chrono::seconds write_deadline{30};
constexpr std::array<std::int64_t, 22> retention_days{1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                                      365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

Error invalid(std::string message) {
    return {logs::Errc::invalid_parameter, std::move(message)};
}

Result<json> read_body(const Call& call) {
    auto body = parse_json(call.request.body.empty() ? "{}" : std::string_view(call.request.body), JsonLimits{body_bytes_max, 16});
    if (!body || !body->is_object()) return Error(logs::Errc::invalid_parameter, "the request is not a JSON object");
    return body;
}

Response answer(const json& body) {
    Response response = json_response(body);
    response.content_type = "application/x-amz-json-1.1";
    return response;
}

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

std::string arn_of(const Services& services, const std::string& group) {
    const std::string function = services.rooms.arns.function(FunctionName("x"));  // arn:aws:lambda:REGION:ACCOUNT:function:x
    const std::size_t region = std::string_view("arn:aws:lambda:").size();
    return "arn:aws:logs:" + function.substr(region, function.find(":function:") - region) + ":log-group:" + group;
}

/// `logGroupName`, or the name in `logGroupIdentifier` (a name or an ARN).
Result<std::string> group_of(const json& body) {
    const auto name = optional_string(body, "logGroupName"), identifier = optional_string(body, "logGroupIdentifier");
    if (!name) return invalid(name.error().message);
    if (!identifier) return invalid(identifier.error().message);
    std::string group = name->value_or(identifier->value_or(std::string()));
    if (const std::size_t at = group.find(":log-group:"); at != std::string::npos)
        group.erase(0, at + std::string_view(":log-group:").size());
    if (group.ends_with(":*")) group.resize(group.size() - 2);
    if (!logs::is_group_name(group)) {
        return invalid(
            "1 validation error detected: Value '" + group.substr(0, 512) +
            "' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
    }
    return group;
}

Result<std::string> stream_of(const json& body) {
    auto name = optional_string(body, "logStreamName");
    if (!name) return invalid(name.error().message);
    const std::string stream = name->value_or(std::string());
    if (!logs::is_stream_name(stream)) {
        return invalid("1 validation error detected: Value '" + stream.substr(0, 512) +
                       "' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*");
    }
    return stream;
}

Result<std::optional<std::string>> text_member(const json& body, const char* name) {
    auto value = optional_string(body, name);
    if (!value) return invalid(value.error().message);
    return value;
}

Result<std::int64_t> limit_of(const json& body, std::int64_t fallback, std::int64_t most) {
    const auto limit = optional_integer(body, "limit");
    if (!limit) return invalid(limit.error().message);
    const std::int64_t value = limit->value_or(fallback);
    if (value < 1 || value > most) {
        return invalid("1 validation error detected: Value '" + std::to_string(value) +
                       "' at 'limit' failed to satisfy constraint: Member must have value between 1 and " + std::to_string(most));
    }
    return value;
}

Result<logs::TimeRange> range_of(const json& body) {
    logs::TimeRange out;
    for (const auto& [name, field] : {std::pair("startTime", &out.begin), {"endTime", &out.end}}) {
        const auto value = optional_integer(body, name);
        if (!value) return invalid(value.error().message);
        if (*value && **value < 0) return invalid(std::string(name) + " must not be negative");
        if (*value) *field = WallTime(std::chrono::milliseconds(**value));
    }
    return out;
}

LogStore& store(const Services& services) {
    return *services.rooms.logs;
}

// Groups and streams.

/// The calls that name a group, or a group and a stream, and nothing else.
template <auto Change>
asio::awaitable<Outcome> change_group(const Services& services, const Call& call) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto group = group_of(*body);
    if (!group) co_return group.error();
    const auto changed = co_await (store(services).*Change)(*group);
    if (!changed) co_return changed.error();
    co_return answer(json::object());
}

template <auto Change>
asio::awaitable<Outcome> change_stream(const Services& services, const Call& call) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto group = group_of(*body);
    if (!group) co_return group.error();
    const auto stream = stream_of(*body);
    if (!stream) co_return stream.error();
    const auto changed = co_await (store(services).*Change)(*group, *stream);
    if (!changed) co_return changed.error();
    co_return answer(json::object());
}

asio::awaitable<Outcome> set_retention(const Services& services, const Call& call, bool forever) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto group = group_of(*body);
    if (!group) co_return group.error();
    std::optional<std::int64_t> days;
    if (!forever) {
        const auto wanted = optional_integer(*body, "retentionInDays");
        if (!wanted) co_return invalid(wanted.error().message);
        days = *wanted;
        if (!days || std::find(retention_days.begin(), retention_days.end(), *days) == retention_days.end())
            co_return invalid("retentionInDays must be one of the periods that CloudWatch Logs has");
    }
    const auto set = co_await store(services).set_retention(*group, days);
    if (!set) co_return set.error();
    co_return answer(json::object());
}
asio::awaitable<Outcome> put_retention_policy(const Services& services, const Call& call) {
    return set_retention(services, call, false);
}
asio::awaitable<Outcome> delete_retention_policy(const Services& services, const Call& call) {
    return set_retention(services, call, true);
}

/// A page of `all`, which is whole.
Result<json> page(const json& body, const char* member, json all) {
    const auto limit = limit_of(body, describe_max, describe_max);
    if (!limit) return limit.error();
    const auto token = text_member(body, "nextToken");
    if (!token) return token.error();
    const std::string* given = *token ? &**token : nullptr;
    const auto part = slice(given, all.size(), static_cast<std::size_t>(*limit));
    if (!part) return invalid("The specified nextToken is invalid.");
    json some = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) some.push_back(std::move(all[i]));
    json out{{member, std::move(some)}};
    if (part->next) out["nextToken"] = *part->next;
    return out;
}

asio::awaitable<Outcome> describe_log_groups(const Services& services, const Call& call) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto prefix = text_member(*body, "logGroupNamePrefix"), pattern = text_member(*body, "logGroupNamePattern");
    if (!prefix) co_return prefix.error();
    if (!pattern) co_return pattern.error();
    json all = json::array();
    for (const auto& group : store(services).groups()) {
        if (*prefix && !group.name.starts_with(**prefix)) continue;
        if (*pattern && group.name.find(**pattern) == std::string::npos) continue;
        json one{{"logGroupName", group.name},
                 {"creationTime", milliseconds(group.created_at)},
                 {"metricFilterCount", 0},
                 {"arn", arn_of(services, group.name) + ":*"},
                 {"storedBytes", group.stored_bytes}};
        if (group.retention_days) one["retentionInDays"] = *group.retention_days;
        all.push_back(std::move(one));
    }
    auto out = page(*body, "logGroups", std::move(all));
    if (!out) co_return out.error();
    co_return answer(*out);
}

asio::awaitable<Outcome> describe_log_streams(const Services& services, const Call& call) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto group = group_of(*body);
    if (!group) co_return group.error();
    const auto prefix = text_member(*body, "logStreamNamePrefix"), order = text_member(*body, "orderBy");
    const auto descending = optional_bool(*body, "descending");
    if (!prefix) co_return prefix.error();
    if (!order) co_return order.error();
    if (!descending) co_return invalid(descending.error().message);
    const bool by_time = order->value_or("LogStreamName") == "LastEventTime";
    if (by_time && *prefix) co_return invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");
    auto streams = store(services).streams(*group);
    if (!streams) co_return streams.error();
    if (by_time) {
        std::stable_sort(streams->begin(), streams->end(), [](const auto& a, const auto& b) { return a.last_event < b.last_event; });
    }
    if (descending->value_or(false)) std::reverse(streams->begin(), streams->end());
    json all = json::array();
    for (const auto& stream : *streams) {
        if (*prefix && !stream.name.starts_with(**prefix)) continue;
        json one{{"logStreamName", stream.name},
                 {"creationTime", milliseconds(stream.created_at)},
                 {"arn", arn_of(services, *group) + ":log-stream:" + stream.name},
                 {"storedBytes", 0}};  // as AWS says since 2019
        if (stream.first_event) one["firstEventTimestamp"] = milliseconds(*stream.first_event);
        if (stream.last_event) one["lastEventTimestamp"] = milliseconds(*stream.last_event);
        if (stream.last_ingestion) one["lastIngestionTime"] = milliseconds(*stream.last_ingestion);
        one["uploadSequenceToken"] = "49590302938479384";
        all.push_back(std::move(one));
    }
    auto out = page(*body, "logStreams", std::move(all));
    if (!out) co_return out.error();
    co_return answer(*out);
}

// Events.

struct Put {
    std::vector<LogEvent> events;
    json rejected = json::object();
};

Result<Put> read_events(const json& body, WallTime now) {
    const json* events = find_member(body, "logEvents");
    if (events == nullptr || !events->is_array() || events->empty()) return invalid("logEvents must be an array of at least one event");
    if (events->size() > put_events_max) return invalid("logEvents has more than 10000 events");
    Put out;
    std::size_t bytes = 0;
    std::int64_t last = 0;
    std::int64_t index = 0;
    for (const json& event : *events) {
        const auto at = event.is_object() ? optional_integer(event, "timestamp")
                                          : Result<std::optional<std::int64_t>>(invalid("an event must be an object"));
        if (!at || !*at) return invalid("each event needs a timestamp");
        auto message = optional_string(event, "message");
        if (!message || !*message || (*message)->empty()) return invalid("each event needs a message");
        if (**at < last) return invalid("Log events in a single PutLogEvents request must be in chronological order.");
        last = **at;
        bytes += (*message)->size() + put_event_overhead;
        if (bytes > put_bytes_max) return invalid("Upload too large: " + std::to_string(bytes) + " bytes exceeds limit of 1048576");
        const WallTime time{std::chrono::milliseconds(**at)};
        if (time < now - too_old) {
            out.rejected["tooOldLogEventEndIndex"] = index + 1;
        } else if (time > now + too_new) {
            if (!out.rejected.contains("tooNewLogEventStartIndex")) out.rejected["tooNewLogEventStartIndex"] = index;
        } else {
            LogEvent kept{time, std::move(**message)};
            out.events.push_back(std::move(kept));
        }
        ++index;
    }
    return out;
}

asio::awaitable<Outcome> put_log_events(const Services& services, const Call& call) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto group = group_of(*body);
    if (!group) co_return group.error();
    const auto stream = stream_of(*body);
    if (!stream) co_return stream.error();
    const auto streams = store(services).streams(*group);
    if (!streams) co_return streams.error();
    const bool known = std::any_of(streams->begin(), streams->end(), [&](const auto& one) { return one.name == *stream; });
    if (!known) co_return Error(logs::Errc::resource_not_found, "The specified log stream does not exist.");
    auto put = read_events(*body, services.rooms.clock.now());
    if (!put) co_return put.error();
    if (!put->events.empty()) {
        UniqueFunction<void(Callback)> start = [&](Callback done) {
            store(services).write(*group, *stream, std::move(put->events), std::move(done));
        };
        const auto written = co_await wait_for_callback(std::move(start), write_deadline);
        if (!written) co_return written.error();
    }
    json out{{"nextSequenceToken", "49590302938479384"}};
    if (!put->rejected.empty()) out["rejectedLogEventsInfo"] = put->rejected;
    co_return answer(out);
}

/// A place between events: time, chunk and number in it.
using Place = std::tuple<std::int64_t, std::uint64_t, std::uint64_t>;

Place place_of(const StoredEvent& event) {
    return {milliseconds(event.at), event.chunk, event.index};
}

std::string token_of(char kind, const Place& place) {
    return encode_token(std::string(1, kind) + std::to_string(std::get<0>(place)) + "/" + std::to_string(std::get<1>(place)) + "/" +
                        std::to_string(std::get<2>(place)));
}

struct Token {
    char kind = 0;
    Place place;
};

Result<std::optional<Token>> read_token(const json& body) {
    const auto text = text_member(body, "nextToken");
    if (!text) return text.error();
    if (!*text) return std::optional<Token>();
    const Error bad = invalid("The specified nextToken is invalid.");
    const auto decoded = decode_token(&**text);
    if (!decoded || !*decoded || (*decoded)->size() < 6) return bad;
    Token out;
    out.kind = (*decoded)->front();
    std::string rest = (*decoded)->substr(1);
    char* end = nullptr;
    std::get<0>(out.place) = std::strtoll(rest.c_str(), &end, 10);
    if (*end != '/') return bad;
    std::get<1>(out.place) = std::strtoull(end + 1, &end, 10);
    if (*end != '/') return bad;
    std::get<2>(out.place) = std::strtoull(end + 1, &end, 10);
    if (*end != '\0') return bad;
    return std::optional(out);
}

json event_json(const StoredEvent& event) {
    return {{"timestamp", milliseconds(event.at)}, {"message", event.message}, {"ingestionTime", milliseconds(event.ingested_at)}};
}

/// Which of `events` make the page: [begin, end).
struct PageOfEvents {
    std::size_t begin = 0, end = 0;
};

PageOfEvents choose_events(const std::vector<StoredEvent>& events, const std::optional<Token>& token, bool from_head, std::size_t limit) {
    PageOfEvents out{0, events.size()};
    const bool forward = token ? token->kind == 'f' : from_head;
    if (token) {
        const auto before = [](const StoredEvent& event, const Place& place) { return place_of(event) < place; };
        const auto after = [](const Place& place, const StoredEvent& event) { return place < place_of(event); };
        if (forward) {
            out.begin = static_cast<std::size_t>(std::upper_bound(events.begin(), events.end(), token->place, after) - events.begin());
        } else {
            out.end = static_cast<std::size_t>(std::lower_bound(events.begin(), events.end(), token->place, before) - events.begin());
        }
    }
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (out.begin + count < out.end && count < limit) {
        const std::size_t i = forward ? out.begin + count : out.end - 1 - count;
        bytes += events[i].message.size() + put_event_overhead;
        if (bytes > answer_bytes_max && count > 0) break;
        ++count;
    }
    if (forward) {
        out.end = out.begin + count;
    } else {
        out.begin = out.end - count;
    }
    return out;
}

asio::awaitable<Outcome> get_log_events(const Services& services, const Call& call) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto group = group_of(*body);
    if (!group) co_return group.error();
    const auto stream = stream_of(*body);
    if (!stream) co_return stream.error();
    const auto range = range_of(*body);
    if (!range) co_return range.error();
    const auto limit = limit_of(*body, events_max, events_max);
    if (!limit) co_return limit.error();
    const auto token = read_token(*body);
    if (!token) co_return token.error();
    const auto from_head = optional_bool(*body, "startFromHead");
    if (!from_head) co_return invalid(from_head.error().message);
    const auto events = co_await store(services).events(*group, *stream, *range);
    if (!events) co_return events.error();
    const auto part = choose_events(*events, *token, from_head->value_or(false), static_cast<std::size_t>(*limit));
    json some = json::array();
    for (std::size_t i = part.begin; i < part.end; ++i) some.push_back(event_json((*events)[i]));
    // At an end the token is the one that was given, which tells the client so.
    const Place nowhere{0, 0, 0};
    const Place given = *token ? (*token)->place : nowhere;
    const bool any = part.begin < part.end;
    const Place last = any ? place_of((*events)[part.end - 1]) : given;
    const Place first = any ? place_of((*events)[part.begin]) : given;
    json out{{"events", std::move(some)}, {"nextForwardToken", token_of('f', last)}, {"nextBackwardToken", token_of('b', first)}};
    co_return answer(out);
}

// Filter patterns: words that must be there, `"phrases"`, `-without`, `?any ?of`. Source: CloudWatch Logs User Guide, "Filter pattern
// syntax". Patterns on JSON (`{…}`) and columns (`[…]`) are not there.

struct Pattern {
    std::vector<std::string> all, none, any;
    bool matches(const std::string& message) const {
        const auto has = [&](const std::string& word) { return message.find(word) != std::string::npos; };
        return std::all_of(all.begin(), all.end(), has) && std::none_of(none.begin(), none.end(), has) &&
               (any.empty() || std::any_of(any.begin(), any.end(), has));
    }
};

Result<Pattern> read_pattern(const std::string& text) {
    constexpr std::size_t pattern_bytes_max = 1024;
    Pattern out;
    if (text.size() > pattern_bytes_max) return invalid("the filter pattern has more than 1024 characters");
    std::size_t at = text.find_first_not_of(' ');
    if (at != std::string::npos && (text[at] == '{' || text[at] == '[' || text[at] == '%'))
        return invalid("Invalid filter pattern: patterns on JSON, columns and regular expressions are not supported by this server");
    while (at != std::string::npos) {
        std::vector<std::string>* into = &out.all;
        if (text[at] == '-') into = &out.none;
        if (text[at] == '?') into = &out.any;
        if (into != &out.all) ++at;
        const bool quoted = at < text.size() && text[at] == '"';
        const std::size_t begin = quoted ? at + 1 : at;
        const std::size_t end = text.find(quoted ? '"' : ' ', begin);
        if (quoted && end == std::string::npos) return invalid("Invalid filter pattern");
        const std::string word = text.substr(begin, end == std::string::npos ? end : end - begin);
        if (!word.empty()) into->push_back(word);
        at = end == std::string::npos ? end : text.find_first_not_of(' ', end + (quoted ? 1 : 0));
    }
    return out;
}

struct FilterRequest {
    std::string group;
    std::vector<std::string> streams;
    std::optional<std::string> prefix;
    logs::TimeRange range;
    Pattern pattern;
    std::size_t limit = 0;
    std::optional<Token> token;
};

Result<FilterRequest> read_filter(const json& body) {
    FilterRequest out;
    auto group = group_of(body);
    if (!group) return group.error();
    const auto range = range_of(body);
    if (!range) return range.error();
    const auto limit = limit_of(body, events_max, events_max);
    if (!limit) return limit.error();
    const auto token = read_token(body);
    if (!token) return token.error();
    auto prefix = text_member(body, "logStreamNamePrefix");
    if (!prefix) return prefix.error();
    const auto text = text_member(body, "filterPattern");
    if (!text) return text.error();
    auto pattern = read_pattern(text->value_or(std::string()));
    if (!pattern) return pattern.error();
    if (const json* names = find_member(body, "logStreamNames")) {
        if (!names->is_array() || names->size() > 100) return invalid("logStreamNames must be an array of at most 100 names");
        for (const json& name : *names) {
            if (!name.is_string()) return invalid("logStreamNames must be an array of names");
            out.streams.push_back(name.get<std::string>());
        }
        if (*prefix) return invalid("Only one of logStreamNames and logStreamNamePrefix may be given.");
    }
    out.group = std::move(*group);
    out.range = *range;
    out.limit = static_cast<std::size_t>(*limit);
    out.token = *token;
    out.prefix = std::move(*prefix);
    out.pattern = std::move(*pattern);
    return out;
}

bool wanted(const FilterRequest& request, const StoredEvent& event) {
    if (request.prefix && !event.stream.starts_with(*request.prefix)) return false;
    if (!request.streams.empty() && std::find(request.streams.begin(), request.streams.end(), event.stream) == request.streams.end())
        return false;
    return request.pattern.matches(event.message);
}

/// Fifty-six digits, as AWS's.
std::string event_id(const StoredEvent& event) {
    std::string out;
    for (const std::uint64_t part : {static_cast<std::uint64_t>(milliseconds(event.at)), event.chunk, event.index}) {
        const std::string digits = std::to_string(part);
        out += std::string(20 - std::min<std::size_t>(digits.size(), 20), '0') + digits;
    }
    return out.substr(4);
}

asio::awaitable<Outcome> filter_log_events(const Services& services, const Call& call) {
    const auto body = read_body(call);
    if (!body) co_return body.error();
    const auto request = read_filter(*body);
    if (!request) co_return request.error();
    auto events = co_await store(services).events(request->group, std::nullopt, request->range);
    if (!events) co_return events.error();
    std::erase_if(*events, [&](const StoredEvent& event) { return !wanted(*request, event); });
    const auto part = choose_events(*events, request->token, true, request->limit);
    json some = json::array();
    for (std::size_t i = part.begin; i < part.end; ++i) {
        json one = event_json((*events)[i]);
        one["logStreamName"] = (*events)[i].stream;
        one["eventId"] = event_id((*events)[i]);
        some.push_back(std::move(one));
    }
    json out{{"events", std::move(some)}, {"searchedLogStreams", json::array()}};
    if (part.end < events->size()) out["nextToken"] = token_of('f', place_of((*events)[part.end - 1]));
    co_return answer(out);
}

constexpr std::array operations{
    Operation{"CreateLogGroup", "", "", change_group<&LogStore::create_group>},
    Operation{"DeleteLogGroup", "", "", change_group<&LogStore::delete_group>},
    Operation{"CreateLogStream", "", "", change_stream<&LogStore::create_stream>},
    Operation{"DeleteLogStream", "", "", change_stream<&LogStore::delete_stream>},
    Operation{"PutRetentionPolicy", "", "", put_retention_policy},
    Operation{"DeleteRetentionPolicy", "", "", delete_retention_policy},
    Operation{"DescribeLogGroups", "", "", describe_log_groups},
    Operation{"DescribeLogStreams", "", "", describe_log_streams},
    Operation{"PutLogEvents", "", "", put_log_events},
    Operation{"GetLogEvents", "", "", get_log_events},
    Operation{"FilterLogEvents", "", "", filter_log_events},
};

}  // namespace

std::span<const Operation> cloudwatch_logs_operations() {
    return operations;
}

}  // namespace fogbank::api
