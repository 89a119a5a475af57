/// How rooms that do not link registry/ ask about things: the shadow and jobs services (does the thing exist?), get_registry_data() in SQL.
/// Implemented by registry/.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"

namespace fogbank {

class ThingDirectory {
  public:
    virtual ~ThingDirectory() = default;
    /// Served from a cache where possible. Errors: store_unavailable.
    virtual boost::asio::awaitable<Result<bool>> thing_exists(ThingName thing) = 0;
    /// The JSON body that DescribeThing answers. Errors: registry::Errc::resource_not_found.
    virtual boost::asio::awaitable<Result<std::string>> describe_thing_json(ThingName thing) = 0;
    /// The JSON body that ListThingGroupsForThing answers (all pages).
    virtual boost::asio::awaitable<Result<std::string>> thing_groups_json(ThingName thing) = 0;
    /// The members of a static or dynamic group, with those of child groups; for jobs. Errors: registry::Errc::resource_not_found.
    virtual boost::asio::awaitable<Result<std::vector<ThingName>>> things_in_group(std::string group_name) = 0;
};

}  // namespace fogbank
