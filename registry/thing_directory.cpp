// What other rooms ask about things (common/things.h).

#include <nlohmann/json.hpp>

#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {

using nlohmann::json;

std::string thing_json(const Thing& thing) {
    json out{{"defaultClientId", thing.name.str()}, {"thingName", thing.name.str()}, {"thingId", thing.id}, {"thingArn", thing.arn},
             {"attributes", thing.attributes},      {"version", thing.version}};
    if (!thing.type_name.empty()) out["thingTypeName"] = thing.type_name;
    if (!thing.billing_group_name.empty()) out["billingGroupName"] = thing.billing_group_name;
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Awaitable<bool> RegistryImpl::thing_exists(ThingName thing) {
    if (const auto known = thing_names_.find(thing)) co_return *known;
    if (!Validation().thing_name(thing).result()) co_return false;  // no thing can have that name, and the cache must not keep it
    const std::uint64_t generation = thing_names_.generation();
    const auto stored = co_await read(keys::thing(thing));
    if (!stored) co_return stored.error();
    thing_names_.insert(generation, thing, stored->has_value());
    co_return stored->has_value();
}

Awaitable<std::string> RegistryImpl::describe_thing_json(ThingName thing) {
    const auto found = co_await describe_thing(std::move(thing));
    if (!found) co_return found.error();
    co_return thing_json(*found);
}

Awaitable<std::string> RegistryImpl::thing_groups_json(ThingName thing) {
    json list = json::array();
    PageRequest page;
    page.items_max = 250;
    do {
        const auto found = co_await groups_.list_groups_of_thing(thing, page);
        if (!found) co_return found.error();
        for (const std::string& name : found->items) {
            list.push_back({{"groupName", name}, {"groupArn", thing_group_arn(deps_.arns, name)}});
        }
        page.marker = found->next;
    } while (page.marker);
    const json out{{"thingGroups", std::move(list)}};
    co_return out.dump();
}

Awaitable<std::vector<ThingName>> RegistryImpl::things_in_group(std::string group_name) {
    std::vector<ThingName> out;
    PageRequest page;
    page.items_max = 250;
    do {
        auto found = co_await groups_.list_things_in_group(group_name, true, page);
        if (!found) co_return found.error();
        for (ThingName& name : found->items) out.push_back(std::move(name));
        page.marker = std::move(found->next);
    } while (page.marker);
    co_return out;
}

}  // namespace fogbank::registry
