/// Fogbank's own pages under /_fogbank/ that need credentials (SigV4 for any service name): the activity feed and explanations of
/// decisions.
///
/// GET activity?client=…&thing=…&kind=…&limit=…     JSON {"activities": [{number, timestamp, kind, clientId, …}]}, oldest first
/// GET activity/stream?client=…&thing=…&kind=…      the same as server-sent events, from now on (or after Last-Event-ID), without end
/// GET explain?thing=…|principal=…&action=…&resource=…&client=…   JSON {"decisions": [{principal, decision, reason}]}
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "api/request.h"
#include "api/service.h"

namespace fogbank::api {

/// Whether `path` is one of these pages.
bool is_private_page(std::string_view path);

/// The answer, after the caller has been verified. IAM callers need `fogbank:ReadActivity` or `fogbank:Explain` on `*`.
/// @param access  null: the caller may do everything. Outlives the call.
boost::asio::awaitable<Response> private_page(const Services& services, Request request, std::string request_id,
                                              const CallerAccess* access);

}  // namespace fogbank::api
