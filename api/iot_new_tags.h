/// Tags that come with the request that makes a resource, and their end with it, for resources that the registry's own transactions do not
/// make: CA certificates, provisioning templates, role aliases, authorizers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "api/service.h"
#include "registry/policies.h"

namespace fogbank::api {

/// The member `tags`, judged before anything is made. Errors: validation, invalid_request.
Result<registry::TagMap> new_tags(const nlohmann::json& body);
/// Stores the tags of what was just made. Errors: limit_exceeded, store_unavailable; the resource is there all the same.
boost::asio::awaitable<Result<void>> tag_new_resource(const Services& services, std::string arn, registry::TagMap tags);
/// A resource is gone. What cannot be erased is logged.
boost::asio::awaitable<void> forget_tags(const Services& services, std::string arn);

}  // namespace fogbank::api
