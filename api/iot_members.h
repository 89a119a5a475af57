/// Members that several of the registry's operations share. Errors are Errc::validation.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/members.h"
#include "registry/paging.h"
#include "registry/policies.h"
#include "registry/things.h"

namespace fogbank::api {

inline constexpr std::int64_t registry_page_max = 250;      // model: RegistryMaxResults
inline constexpr std::int64_t registry_page_default = 100;  // the service's own default is not documented

/// `attributePayload` of `object`; nothing if it has no `attributes`.
struct AttributePayload {
    std::optional<registry::Attributes> attributes;
    bool merge = false;
};
Result<AttributePayload> read_attribute_payload(const nlohmann::json& object);

/// `tags`, a list of {Key, Value}. Errors also: a key that comes twice.
Result<registry::TagMap> read_tags(const nlohmann::json& object);

/// The member as an object; an absent one is empty.
Result<nlohmann::json> optional_object(const nlohmann::json& object, std::string_view member);
Result<std::vector<std::string>> optional_strings(const nlohmann::json& object, std::string_view member);

/// `nextToken` and `maxResults` of the query.
Result<registry::PageRequest> read_token_page(const Call& call);
/// `marker`, `pageSize` and `isAscendingOrder` of the query: lists of certificates and policies. Errors: validation.
Result<registry::PageRequest> read_marker_page(const Call& call);
inline constexpr std::int64_t marker_page_max = 250, marker_page_default = 25;  // model: PageSize

/// A name, or the last part of an ARN: AddThingToThingGroup and its likes take either. `kind`: `thing`, `thinggroup`, `billinggroup`.
Result<std::string> name_or_arn(const nlohmann::json& object, std::string_view name_member, std::string_view arn_member,
                                std::string_view kind, const ArnFactory& arns);

/// ResourceAlreadyExistsException with its members.
Outcome already_exists(const Call& call, const Error& error, const std::string& id, const std::string& arn);

}  // namespace fogbank::api
