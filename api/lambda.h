/// What the files of Lambda's operations share. Source: AWS Lambda API reference 2015-03-31 (reference "lambda").
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/service.h"
#include "lambda/function_reference.h"
#include "lambda/function_service.h"

namespace fogbank::api {

/// Lambda takes 50 MB of zip directly, 67 MB as base64.
inline constexpr std::size_t function_body_bytes_max = 70 * 1024 * 1024;

/// The function that the path names, with the qualifier of the path or the query. Errors: invalid_parameter.
Result<lambda::FunctionReference> function_reference(const Call& call);
/// The same where only the function itself can be meant. Errors: also resource_not_found for a qualifier.
Result<FunctionName> function_name(const Services& services, const Call& call);
nlohmann::json function_configuration(const lambda::FunctionConfiguration& function);
/// `2023-01-01T00:00:00.000+0000`
std::string lambda_time(WallTime time);

/// The member Tags of a request.
Result<std::map<std::string, std::string>> lambda_tags(const nlohmann::json& body);

boost::asio::awaitable<Outcome> create_function(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_function(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_function_configuration(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> list_functions(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> delete_function(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> update_function_code(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> update_function_configuration(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> invoke_function(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> invoke_function_async(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> publish_version(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> list_versions_by_function(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> create_alias(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> update_alias(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_alias(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> list_aliases(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> delete_alias(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> add_permission(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> remove_permission(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_policy(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> put_function_concurrency(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_function_concurrency(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> delete_function_concurrency(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> put_function_event_invoke_config(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> update_function_event_invoke_config(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_function_event_invoke_config(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> list_function_event_invoke_configs(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> delete_function_event_invoke_config(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> tag_function(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> untag_function(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> list_function_tags(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> create_event_source_mapping(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_event_source_mapping(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> list_event_source_mappings(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> update_event_source_mapping(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> delete_event_source_mapping(const Services& services, const Call& call);
boost::asio::awaitable<Outcome> get_account_settings(const Services& services, const Call& call);

}  // namespace fogbank::api
