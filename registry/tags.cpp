#include "registry/tags.h"

#include <algorithm>
#include <array>

#include "common/encoding.h"
#include "registry/detail/keys.h"
#include "registry/detail/parts.h"
#include "registry/detail/validation.h"
#include "registry/tag_rules.h"

namespace fogbank::registry {
namespace {

/// What of the registry can be tagged, and where its record is. Source: AWS IoT Core Developer Guide, "Tagging your AWS IoT resources".
struct Kind {
    std::string_view prefix;
    std::string (*key)(std::string_view name);
};
constexpr std::array kinds{
    Kind{"thinggroup/", keys::thing_group},
    Kind{"thingtype/", keys::thing_type},
    Kind{"billinggroup/", keys::billing_group},
    Kind{"policy/", [](std::string_view name) { return keys::policy(PolicyName(name)); }},
};
/// Documented as not taggable.
constexpr std::array<std::string_view, 5> refused{"thing/", "cert/", "client/", "topic/", "topicfilter/"};

constexpr std::size_t arn_bytes_max = 2048;

Error invalid_arn(std::string_view arn) {
    return {Errc::invalid_request, "Invalid resource ARN: " + std::string(arn.substr(0, 200))};
}

}  // namespace

Result<void> check_tags(const TagMap& tags) {
    return Validation().tags(tags).result();
}

Result<void> Core::put_tags(Transaction& tx, const std::string& arn, const TagMap& tags) const {
    if (tags.empty()) return {};
    const Range range = keys::tags(arn);
    const auto present = scan_in(tx, range);
    if (!present) return present.error();
    auto fresh = static_cast<std::int64_t>(tags.size());
    for (const KeyValue& item : *present) fresh -= tags.contains(keys::last_part(item.key, range)) ? 1 : 0;
    const std::int64_t limit = deps_.quotas[Quota::tags_per_resource];
    if (static_cast<std::int64_t>(present->size()) + fresh > limit) {
        return Error(Errc::limit_exceeded, "The maximum number of tags (" + std::to_string(limit) + ") is exceeded for " + arn);
    }
    for (const auto& [key, value] : tags) tx.put(keys::tag(arn, key), value);
    return {};
}

void Core::erase_tags(Transaction& tx, const std::string& arn) const {
    tx.erase_range(keys::tags(arn));
}

Result<void> TagsPart::check(Transaction& tx, const std::string& arn) const {
    const auto parsed = Arn::parse(arn);
    if (!parsed || arn.size() > arn_bytes_max || parsed->service != "iot" || !is_valid_utf8(arn)) return invalid_arn(arn);
    if (core_.deps().arns.iot(parsed->resource) != arn) return not_found("Resource", arn);  // another account or region
    const std::string_view resource = parsed->resource;
    if (std::any_of(refused.begin(), refused.end(), [&](std::string_view one) { return resource.starts_with(one); })) {
        return Error(Errc::invalid_request, "Resources of this type cannot be tagged: " + arn);
    }
    for (const Kind& kind : kinds) {
        if (!resource.starts_with(kind.prefix)) continue;
        const auto stored = tx.get(kind.key(resource.substr(kind.prefix.size())));
        if (!stored) return stored.error();
        if (!*stored) return not_found("Resource", arn);
    }
    return {};
}

Awaitable<void> TagsPart::tag_resource(std::string arn, TagMap tags) {
    if (auto valid = Validation().tags(tags).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, arn = std::move(arn), tags = std::move(tags)](Transaction& tx, Affected&) -> Result<void> {
        if (auto good = check(tx, arn); !good) return good;
        return core_.put_tags(tx, arn, tags);
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> TagsPart::untag_resource(std::string arn, std::vector<std::string> keys_gone) {
    ChangeBody<void> body = [this, arn = std::move(arn), gone = std::move(keys_gone)](Transaction& tx, Affected&) -> Result<void> {
        if (auto good = check(tx, arn); !good) return good;
        for (const std::string& key : gone) tx.erase(keys::tag(arn, key));
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<TagMap> TagsPart::list_tags(std::string arn) {
    ChangeBody<TagMap> body = [this, arn = std::move(arn)](Transaction& tx, Affected&) -> Result<TagMap> {
        if (auto good = check(tx, arn); !good) return good.error();
        const Range range = keys::tags(arn);
        const auto found = scan_in(tx, range);
        if (!found) return found.error();
        TagMap out;
        for (const KeyValue& item : *found) out.emplace(keys::last_part(item.key, range), item.value);
        return out;
    };
    co_return co_await core_.change<TagMap>(std::move(body));
}

Awaitable<void> TagsPart::forget_resource(std::string arn) {
    ChangeBody<void> body = [this, arn = std::move(arn)](Transaction& tx, Affected&) -> Result<void> {
        core_.erase_tags(tx, arn);
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

}  // namespace fogbank::registry
