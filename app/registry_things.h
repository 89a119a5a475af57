/// The registry's things for rooms that ask through `ThingDirectory`.
#pragma once

#include "common/things.h"
#include "registry/registry.h"

namespace fogbank::app {

/// The registry has no thing groups yet: no group is known, no thing is in one.
class RegistryThings final : public ThingDirectory {
  public:
    explicit RegistryThings(registry::Registry& registry) : registry_(registry) {}
    boost::asio::awaitable<Result<bool>> thing_exists(ThingName thing) override;
    boost::asio::awaitable<Result<std::string>> describe_thing_json(ThingName thing) override;
    boost::asio::awaitable<Result<std::string>> thing_groups_json(ThingName thing) override;
    boost::asio::awaitable<Result<std::vector<ThingName>>> things_in_group(std::string group_name) override;

  private:
    registry::Registry& registry_;
};

}  // namespace fogbank::app
