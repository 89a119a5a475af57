#include "shadow/shadow_name.h"

#include <algorithm>

#include "shadow/errc.h"
#include "store/kv/key.h"

namespace fogbank::shadow {
namespace {

namespace kv = store::kv;

constexpr std::string_view room = "shd", documents = "doc", deleted = "del";
constexpr std::string_view things = "$aws/things/", classic = "shadow", named = "name";
constexpr std::size_t thing_name_bytes_max = 128, shadow_name_bytes_max = 64;

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' || c == '_' || c == '-';
}

std::string_view take_level(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view level = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return level;
}

std::optional<Operation> operation_of(std::string_view level) {
    for (const Operation operation : {Operation::get, Operation::update, Operation::remove}) {
        if (operation_name(operation) == level) return operation;
    }
    return std::nullopt;
}

std::optional<ShadowName> read_name(kv::KeyReader& reader) {
    auto thing = reader.text();
    auto shadow = reader.text();
    if (!thing || !shadow || !reader.rest().empty()) return std::nullopt;
    return ShadowName{ThingName(std::move(*thing)), std::move(*shadow)};
}

}  // namespace

Result<void> validate(const ShadowName& name) {
    const std::string& thing = name.thing.str();
    if (thing.empty() || thing.size() > thing_name_bytes_max || !std::all_of(thing.begin(), thing.end(), is_name_character)) {
        return Error(Errc::invalid_request, "Invalid thing name: it must match [a-zA-Z0-9:_-]{1,128}");
    }
    const auto in_shadow_name = [](char c) { return c == '$' || is_name_character(c); };
    if (name.shadow.size() > shadow_name_bytes_max || !std::all_of(name.shadow.begin(), name.shadow.end(), in_shadow_name)) {
        return Error(Errc::invalid_request, "Invalid shadow name: it must match [$a-zA-Z0-9:_-]{1,64}");
    }
    return {};
}

std::string_view operation_name(Operation operation) {
    switch (operation) {
        case Operation::get:
            return "get";
        case Operation::update:
            return "update";
        case Operation::remove:
            return "delete";
    }
    return "";
}

std::optional<RequestTopic> parse_request_topic(std::string_view topic) {
    if (!topic.starts_with(things)) return std::nullopt;
    std::string_view rest = topic.substr(things.size());
    RequestTopic out;
    out.name.thing = ThingName(take_level(rest));
    if (take_level(rest) != classic) return std::nullopt;
    if (rest.starts_with(named) && rest.substr(named.size()).starts_with('/')) {
        take_level(rest);
        out.name.shadow = take_level(rest);
        if (out.name.shadow.empty()) return std::nullopt;
    }
    const auto operation = operation_of(rest);
    if (!operation) return std::nullopt;
    out.operation = *operation;
    return out;
}

std::string topic_prefix(const ShadowName& name) {
    std::string out(things);
    out += name.thing.str();
    out += "/shadow";
    if (!name.shadow.empty()) out += "/name/" + name.shadow;
    return out;
}

std::string quoted_name(const ShadowName& name) {
    return name.shadow.empty() ? name.thing.str() : name.thing.str() + "~" + name.shadow;
}

std::string record_key(const ShadowName& name) {
    return kv::KeyBuilder(room).text(documents).text(name.thing.view()).text(name.shadow).str();
}

kv::Range thing_range(const ThingName& thing) {
    return kv::KeyBuilder(room).text(documents).text(thing.view()).prefix_range();
}

std::optional<ShadowName> name_in_key(std::string_view key) {
    kv::KeyReader reader(key);
    if (reader.text() != room || reader.text() != documents) return std::nullopt;
    return read_name(reader);
}

std::string deleted_key(std::int64_t deleted_at_s, const ShadowName& name) {
    return kv::KeyBuilder(room)
        .text(deleted)
        .number(static_cast<std::uint64_t>(deleted_at_s))
        .text(name.thing.view())
        .text(name.shadow)
        .str();
}

kv::Range deleted_before(std::int64_t time_s) {
    kv::Range out = kv::KeyBuilder(room).text(deleted).prefix_range();
    out.end = kv::KeyBuilder(room).text(deleted).number(static_cast<std::uint64_t>(std::max<std::int64_t>(time_s, 0))).str();
    return out;
}

std::optional<ShadowName> name_in_deleted_key(std::string_view key) {
    kv::KeyReader reader(key);
    if (reader.text() != room || reader.text() != deleted || !reader.number()) return std::nullopt;
    return read_name(reader);
}

}  // namespace fogbank::shadow
