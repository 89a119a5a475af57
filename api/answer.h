/// What both dispatchers do with an operation: run it, translate its failure, log and count it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "api/aws_service.h"

namespace fogbank::api {

/// Runs `operation`; a throw out of it (a library's, a bug) becomes an internal failure.
boost::asio::awaitable<Outcome> run_operation(const Operation& operation, const Services& services, const Call& call);

/// The outcome as an answer of `service`, with its request id; logged at debug and counted per operation and status.
Response finish(const Services& services, const AwsService& service, std::string_view operation, std::string_view request_id,
                Outcome outcome);

/// A plain-text answer to what is not an AWS request.
Response plain_response(unsigned status, std::string_view text, std::string_view request_id);

}  // namespace fogbank::api
