/// The one table that turns error codes of every room into what AWS clients see: exception name, HTTP status and body shape.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/errc.h"
#include "api/request.h"
#include "common/result.h"

namespace fogbank::api {

/// Services that word the same failure differently.
enum class Family : std::uint8_t {
    control,   ///< iot, rest-json
    data,      ///< iot-data, rest-json
    dynamodb,  ///< json 1.0
    lambda,    ///< rest-json
};

struct AwsException {
    std::string_view name;
    unsigned status = 0;
};

/// One room's code, worded for each family (in the order of Family's enumerators).
struct ErrorRow {
    int code;
    AwsException control, data, dynamodb, lambda;
};

struct ErrorTable {
    const boost::system::error_category* category;
    std::span<const ErrorRow> rows;
};
/// All rooms' tables.
std::span<const ErrorTable> error_tables();

/// What `family` calls `code`. A code without a row is a bug and answers as an internal failure.
AwsException aws_exception(Family family, const boost::system::error_code& code);

/// The error answer of `family`'s protocol. `members` are further string members of the body (resourceId, resourceArn).
/// Messages of internal failures (status 500) are passed on: they name the cause, never a secret.
Response error_response(Family family, const Error& error, std::string_view request_id,
                        const std::map<std::string, std::string>& members = {});

}  // namespace fogbank::api
