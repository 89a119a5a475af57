#include "app/registry_things.h"

#include <nlohmann/json.hpp>

#include "registry/errc.h"

namespace fogbank::app {

namespace asio = boost::asio;

asio::awaitable<Result<bool>> RegistryThings::thing_exists(ThingName thing) {
    const auto found = co_await registry_.describe_thing(std::move(thing));
    if (found) co_return true;
    const auto& code = found.error().code;
    if (code == registry::Errc::resource_not_found || code == registry::Errc::invalid_request) co_return false;
    co_return found.error();
}

asio::awaitable<Result<std::string>> RegistryThings::describe_thing_json(ThingName thing) {
    const auto found = co_await registry_.describe_thing(std::move(thing));
    if (!found) co_return found.error();
    const nlohmann::json out{
        {"thingName", found->name.str()}, {"thingArn", found->arn}, {"thingId", found->id}, {"attributes", found->attributes}};
    co_return out.dump();
}

asio::awaitable<Result<std::string>> RegistryThings::thing_groups_json(ThingName thing) {
    const auto found = co_await registry_.describe_thing(std::move(thing));
    if (!found) co_return found.error();
    co_return std::string(R"({"thingGroups":[]})");
}

asio::awaitable<Result<std::vector<ThingName>>> RegistryThings::things_in_group(std::string group_name) {
    co_return Error(registry::Errc::resource_not_found, "Thing group " + group_name + " not found");
}

}  // namespace fogbank::app
