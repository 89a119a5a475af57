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
    dynamodb,  ///< json 1.0, with namespaces in `__type`
    lambda,    ///< rest-json
    json,      ///< the other json services (CloudWatch Logs …): bare names in `__type`
    query,     ///< iam, sts: XML
};

struct AwsException {
    std::string_view name;
    unsigned status = 0;
};

/// One room's code, worded for each family (in the order of Family's enumerators). `json` without a name: as DynamoDB says it; `query`
/// without a name: as the control plane says it, in the query services' names.
struct ErrorRow {
    int code;
    AwsException control, data, dynamodb, lambda;
    AwsException json = {}, query = {};
};

/// How one service's errors differ from those of its family.
struct ErrorStyle {
    /// From what the family calls an exception to what this service calls it.
    struct Rename {
        std::string_view from, to;
    };
    Family family = Family::control;
    std::string_view type_namespace = {};   ///< json protocols: before the name of a modelled exception, `#` included
    std::string_view json_version = "1.0";  ///< of the content type, json protocols
    std::string_view xml_namespace = {};    ///< query protocol
    std::span<const Rename> renames = {};
};

struct ErrorTable {
    const boost::system::error_category* category;
    std::span<const ErrorRow> rows;
};
/// All rooms' tables.
std::span<const ErrorTable> error_tables();

/// What `family` calls `code`. A code without a row is a bug and answers as an internal failure.
AwsException aws_exception(Family family, const boost::system::error_code& code);

AwsException aws_exception(const ErrorStyle& style, const boost::system::error_code& code);

/// The error answer of the style's protocol. `members` are further string members of the body (resourceId, resourceArn).
/// Messages of internal failures (status 500) are passed on: they name the cause, never a secret.
Response error_response(const ErrorStyle& style, const Error& error, std::string_view request_id,
                        const std::map<std::string, std::string>& members = {});
/// The same in a family's own style.
Response error_response(Family family, const Error& error, std::string_view request_id,
                        const std::map<std::string, std::string>& members = {});

}  // namespace fogbank::api
