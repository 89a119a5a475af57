#include "api/aws_errors.h"

#include <array>
#include <nlohmann/json.hpp>

#include "api/xml.h"
#include "common/common_errc.h"
#include "jobs/errc.h"
#include "lambda/errc.h"
#include "logs/errc.h"
#include "policy/errc.h"
#include "registry/errc.h"
#include "rules/errc.h"
#include "shadow/errc.h"
#include "store/kv/errc.h"
#include "store/table/errc.h"

namespace fogbank::api {
namespace {

constexpr AwsException iot_internal{"InternalFailureException", 500};
constexpr AwsException dynamodb_internal{"InternalServerError", 500};
constexpr AwsException lambda_internal{"ServiceException", 500};
constexpr AwsException iot_unavailable{"ServiceUnavailableException", 503};
constexpr AwsException iot_invalid{"InvalidRequestException", 400};

template <class E>
constexpr ErrorRow row(E code, AwsException control, AwsException data, AwsException dynamodb, AwsException lambda, AwsException json = {},
                       AwsException query = {}) {
    return ErrorRow{static_cast<int>(code), control, data, dynamodb, lambda, json, query};
}
/// A failure of the registry or the rules: other families meet it only through a bug.
template <class E>
constexpr ErrorRow iot(E code, std::string_view name, unsigned status) {
    return row(code, {name, status}, {name, status}, dynamodb_internal, lambda_internal);
}
/// A failure of the registry that IAM words differently.
template <class E>
constexpr ErrorRow iot_and_iam(E code, AwsException by_iot, AwsException by_iam) {
    return row(code, by_iot, by_iot, dynamodb_internal, lambda_internal, {}, by_iam);
}
template <class E>
constexpr ErrorRow dynamodb(E code, std::string_view name, unsigned status) {
    return row(code, iot_internal, iot_internal, {name, status}, lambda_internal);
}
template <class E>
constexpr ErrorRow lambda_only(E code, std::string_view name, unsigned status) {
    return row(code, iot_internal, iot_internal, dynamodb_internal, {name, status});
}
/// A failure of a service of the json family (CloudWatch Logs …).
template <class E>
[[maybe_unused]] constexpr ErrorRow json_only(E code, std::string_view name, unsigned status) {
    return row(code, iot_internal, iot_internal, dynamodb_internal, lambda_internal, {name, status});
}
/// A failure of a query-protocol service (iam, sts).
template <class E>
[[maybe_unused]] constexpr ErrorRow query_only(E code, std::string_view name, unsigned status) {
    return row(code, iot_internal, iot_internal, dynamodb_internal, lambda_internal, {}, {name, status});
}
template <class E>
constexpr ErrorRow internal(E code) {
    return row(code, iot_internal, iot_internal, dynamodb_internal, lambda_internal);
}
template <class E>
constexpr ErrorRow unavailable(E code) {
    return row(code, iot_unavailable, iot_unavailable, dynamodb_internal, lambda_internal);
}
template <class E>
constexpr ErrorRow malformed(E code) {
    return row(code, iot_invalid, iot_invalid, {"SerializationException", 400}, {"InvalidRequestContentException", 400});
}
/// 403 everywhere but in DynamoDB, which answers 400 (reference "auth", section 4).
template <class E>
constexpr ErrorRow refused(E code, std::string_view name) {
    return row(code, {name, 403}, {name, 403}, {name, 400}, {name, 403});
}

constexpr std::array front_rows{
    refused(Errc::missing_authentication_token, "MissingAuthenticationTokenException"),
    refused(Errc::incomplete_signature, "IncompleteSignatureException"),
    // iot-data was seen to answer ForbiddenException for bad signatures and missing permissions alike.
    row(Errc::unrecognized_client, {"UnrecognizedClientException", 403}, {"ForbiddenException", 403}, {"UnrecognizedClientException", 400},
        {"UnrecognizedClientException", 403}),
    row(Errc::invalid_signature, {"InvalidSignatureException", 403}, {"ForbiddenException", 403}, {"InvalidSignatureException", 400},
        {"InvalidSignatureException", 403}),
    // Not ForbiddenException for iot-data: SDKs correct their clock on this name only.
    refused(Errc::signature_expired, "InvalidSignatureException"),
    row(Errc::forbidden, {"AccessDeniedException", 403}, {"ForbiddenException", 403}, {"AccessDeniedException", 400},
        {"AccessDeniedException", 403}),
    row(Errc::unknown_operation, {"MissingAuthenticationTokenException", 403}, {"MethodNotAllowedException", 405},
        {"UnknownOperationException", 400}, {"AccessDeniedException", 403}, {}, {"InvalidAction", 400}),
    row(Errc::method_not_allowed, {"MissingAuthenticationTokenException", 403}, {"MethodNotAllowedException", 405},
        {"UnknownOperationException", 400}, {"AccessDeniedException", 403}),
    row(Errc::validation, iot_invalid, iot_invalid, {"ValidationException", 400}, {"InvalidParameterValueException", 400}, {},
        {"ValidationError", 400}),
    malformed(Errc::malformed_body),
    row(Errc::body_too_large, {"RequestEntityTooLargeException", 413}, {"RequestEntityTooLargeException", 413},
        {"RequestEntityTooLargeException", 413}, {"RequestTooLargeException", 413}),
    unavailable(Errc::unavailable),
    row(Errc::throttled, {"ThrottlingException", 400}, {"ThrottlingException", 429}, {"ThrottlingException", 400},
        {"TooManyRequestsException", 429}),
    row(Errc::gateway_timeout, {"InternalFailureException", 500}, {"GatewayTimeoutException", 504}, dynamodb_internal, lambda_internal),
    internal(Errc::internal),
};

constexpr std::array common_rows{
    malformed(CommonErrc::malformed), malformed(CommonErrc::too_large),
    malformed(CommonErrc::too_deep),  internal(CommonErrc::invalid_configuration),
    internal(CommonErrc::io_error),   internal(CommonErrc::crypto_failure),
    unavailable(CommonErrc::stopped),
};

constexpr std::array registry_rows{
    iot(registry::Errc::invalid_request, "InvalidRequestException", 400),
    iot_and_iam(registry::Errc::resource_not_found, {"ResourceNotFoundException", 404}, {"NoSuchEntity", 404}),
    iot_and_iam(registry::Errc::resource_already_exists, {"ResourceAlreadyExistsException", 409}, {"EntityAlreadyExists", 409}),
    iot(registry::Errc::version_conflict, "VersionConflictException", 409),
    iot(registry::Errc::delete_conflict, "DeleteConflictException", 409),
    iot_and_iam(registry::Errc::limit_exceeded, {"LimitExceededException", 410}, {"LimitExceeded", 409}),
    iot_and_iam(registry::Errc::malformed_policy, {"MalformedPolicyException", 400}, {"MalformedPolicyDocument", 400}),
    iot_and_iam(registry::Errc::versions_limit_exceeded, {"VersionsLimitExceededException", 409}, {"LimitExceeded", 409}),
    iot(registry::Errc::certificate_state, "CertificateStateException", 406),
    iot(registry::Errc::certificate_validation, "CertificateValidationException", 400),
    // The next five judge a TLS peer; over HTTPS they are refusals of the data plane.
    iot(registry::Errc::certificate_not_registered, "ForbiddenException", 403),
    iot(registry::Errc::certificate_inactive, "ForbiddenException", 403),
    iot(registry::Errc::certificate_revoked, "ForbiddenException", 403),
    iot(registry::Errc::certificate_expired, "ForbiddenException", 403),
    iot(registry::Errc::certificate_pending, "ForbiddenException", 403),
    refused(registry::Errc::unknown_access_key, "UnrecognizedClientException"),
    unavailable(registry::Errc::store_unavailable),
    refused(registry::Errc::session_expired, "ExpiredTokenException"),
    iot(registry::Errc::certificate_conflict, "CertificateConflictException", 409),
    iot(registry::Errc::registration_code_validation, "RegistrationCodeValidationException", 400),
    iot(registry::Errc::transfer_conflict, "TransferConflictException", 409),
    iot(registry::Errc::transfer_already_completed, "TransferAlreadyCompletedException", 410),
    iot(registry::Errc::resource_registration_failure, "ResourceRegistrationFailureException", 400),
    iot(registry::Errc::conflicting_resource_update, "ConflictingResourceUpdateException", 409),
    iot(registry::Errc::invalid_response, "InvalidResponseException", 400),
    iot(registry::Errc::not_authorized, "ForbiddenException", 403),
    iot(registry::Errc::invalid_query, "InvalidQueryException", 400),
    iot(registry::Errc::invalid_aggregation, "InvalidAggregationException", 400),
    iot(registry::Errc::index_not_ready, "IndexNotReadyException", 400),
    iot(registry::Errc::not_configured, "NotConfiguredException", 404),
};

constexpr std::array rules_rows{
    iot(rules::Errc::sql_parse, "SqlParseException", 400),
    iot(rules::Errc::invalid_request, "InvalidRequestException", 400),
    iot(rules::Errc::resource_already_exists, "ResourceAlreadyExistsException", 409),
    iot(rules::Errc::access_denied, "UnauthorizedException", 401),
    iot(rules::Errc::limit_exceeded, "LimitExceededException", 410),
    unavailable(rules::Errc::unavailable),
    internal(rules::Errc::evaluation),
};

constexpr std::array shadow_rows{
    iot(shadow::Errc::invalid_request, "InvalidRequestException", 400),
    iot(shadow::Errc::not_found, "ResourceNotFoundException", 404),
    iot(shadow::Errc::version_conflict, "ConflictException", 409),
    iot(shadow::Errc::document_too_large, "RequestEntityTooLargeException", 413),
    iot(shadow::Errc::unsupported_encoding, "UnsupportedDocumentEncodingException", 415),
    iot(shadow::Errc::too_many_requests, "ThrottlingException", 429),
    internal(shadow::Errc::internal_failure),
    unavailable(shadow::Errc::unavailable),
};

constexpr std::array jobs_rows{
    iot(jobs::Errc::invalid_request, "InvalidRequestException", 400),
    iot(jobs::Errc::not_found, "ResourceNotFoundException", 404),
    iot(jobs::Errc::already_exists, "ResourceAlreadyExistsException", 409),
    iot(jobs::Errc::invalid_state_transition, "InvalidStateTransitionException", 409),
    iot(jobs::Errc::version_conflict, "VersionConflictException", 409),
    iot(jobs::Errc::limit_exceeded, "LimitExceededException", 410),
    iot(jobs::Errc::terminal_state, "TerminalStateException", 410),
    unavailable(jobs::Errc::unavailable),
};

constexpr std::array lambda_rows{
    lambda_only(lambda::Errc::invalid_parameter, "InvalidParameterValueException", 400),
    lambda_only(lambda::Errc::resource_not_found, "ResourceNotFoundException", 404),
    lambda_only(lambda::Errc::resource_conflict, "ResourceConflictException", 409),
    lambda_only(lambda::Errc::invalid_request_content, "InvalidRequestContentException", 400),
    lambda_only(lambda::Errc::request_too_large, "RequestTooLargeException", 413),
    lambda_only(lambda::Errc::too_many_requests, "TooManyRequestsException", 429),
    lambda_only(lambda::Errc::invalid_code, "InvalidParameterValueException", 400),
    unavailable(lambda::Errc::unavailable),
    lambda_only(lambda::Errc::precondition_failed, "PreconditionFailedException", 412),
    lambda_only(lambda::Errc::policy_too_large, "PolicyLengthExceededException", 400),
};

constexpr std::array logs_rows{
    json_only(logs::Errc::invalid_parameter, "InvalidParameterException", 400),
    json_only(logs::Errc::resource_not_found, "ResourceNotFoundException", 400),
    json_only(logs::Errc::resource_already_exists, "ResourceAlreadyExistsException", 400),
    json_only(logs::Errc::limit_exceeded, "LimitExceededException", 400),
    json_only(logs::Errc::unavailable, "ServiceUnavailableException", 500),
};

constexpr std::array table_rows{
    dynamodb(store::table::Errc::validation, "ValidationException", 400),
    dynamodb(store::table::Errc::resource_not_found, "ResourceNotFoundException", 400),
    dynamodb(store::table::Errc::resource_in_use, "ResourceInUseException", 400),
    dynamodb(store::table::Errc::conditional_check_failed, "ConditionalCheckFailedException", 400),
    dynamodb(store::table::Errc::item_collection_too_large, "ItemCollectionSizeLimitExceededException", 400),
    dynamodb(store::table::Errc::limit_exceeded, "LimitExceededException", 400),
    dynamodb(store::table::Errc::serialization, "SerializationException", 400),
    row(store::table::Errc::throttled, {"ThrottlingException", 400}, {"ThrottlingException", 429}, {"ThrottlingException", 400},
        {"TooManyRequestsException", 429}),
    unavailable(store::table::Errc::unavailable),
    dynamodb(store::table::Errc::idempotent_parameter_mismatch, "IdempotentParameterMismatchException", 400),
    dynamodb(store::table::Errc::transaction_conflict, "TransactionConflictException", 400),
    dynamodb(store::table::Errc::access_denied, "AccessDeniedException", 400),
    dynamodb(store::table::Errc::duplicate_item, "DuplicateItemException", 400),
    dynamodb(store::table::Errc::table_not_found, "TableNotFoundException", 400),
    dynamodb(store::table::Errc::table_in_use, "TableInUseException", 400),
    dynamodb(store::table::Errc::table_already_exists, "TableAlreadyExistsException", 400),
    dynamodb(store::table::Errc::backup_not_found, "BackupNotFoundException", 400),
    dynamodb(store::table::Errc::backup_in_use, "BackupInUseException", 400),
    dynamodb(store::table::Errc::invalid_restore_time, "InvalidRestoreTimeException", 400),
    dynamodb(store::table::Errc::pitr_unavailable, "PointInTimeRecoveryUnavailableException", 400),
    dynamodb(store::table::Errc::trimmed_data_access, "TrimmedDataAccessException", 400),
    dynamodb(store::table::Errc::expired_iterator, "ExpiredIteratorException", 400),
    dynamodb(store::table::Errc::export_not_found, "ExportNotFoundException", 400),
    dynamodb(store::table::Errc::import_not_found, "ImportNotFoundException", 400),
    dynamodb(store::table::Errc::export_conflict, "ExportConflictException", 400),
    dynamodb(store::table::Errc::import_conflict, "ImportConflictException", 400),
    dynamodb(store::table::Errc::invalid_export_time, "InvalidExportTimeException", 400),
};

constexpr std::array kv_rows{
    internal(store::kv::Errc::precondition_failed), unavailable(store::kv::Errc::conflict),
    unavailable(store::kv::Errc::unavailable),      internal(store::kv::Errc::corrupt),
    unavailable(store::kv::Errc::stopped),          internal(store::kv::Errc::too_large),
};

constexpr std::array policy_rows{
    iot(policy::Errc::malformed_document, "MalformedPolicyException", 400),
    iot(policy::Errc::document_too_large, "MalformedPolicyException", 400),
};

/// Query services leave `Exception` out and have two names of their own (reference "auth", section 4).
AwsException in_query_names(AwsException exception) {
    if (exception.name == "UnrecognizedClientException") return {"InvalidClientTokenId", exception.status};
    if (exception.name == "InvalidSignatureException") return {"SignatureDoesNotMatch", exception.status};
    if (exception.name == "InvalidRequestException") return {"ValidationError", exception.status};
    constexpr std::string_view suffix = "Exception";
    if (exception.name.ends_with(suffix)) exception.name.remove_suffix(suffix.size());
    return exception;
}

AwsException column(const ErrorRow& row, Family family) {
    switch (family) {
        case Family::control:
            return row.control;
        case Family::data:
            return row.data;
        case Family::dynamodb:
            return row.dynamodb;
        case Family::lambda:
            return row.lambda;
        case Family::json:
            return row.json.name.empty() ? row.dynamodb : row.json;
        case Family::query:
            return row.query.name.empty() ? in_query_names(row.control) : row.query;
    }
    return row.control;
}

/// DynamoDB's errors carry the namespace they are modelled in; clients read what follows the `#`.
std::string_view type_namespace(const ErrorStyle& style, std::string_view name) {
    if (style.family != Family::dynamodb) return style.type_namespace;
    if (name == "ValidationException") return "com.amazon.coral.validate#";
    for (const std::string_view common :
         {"MissingAuthenticationTokenException", "IncompleteSignatureException", "UnrecognizedClientException", "InvalidSignatureException",
          "AccessDeniedException", "UnknownOperationException", "SerializationException", "RequestEntityTooLargeException",
          "ThrottlingException"}) {
        if (name == common) return "com.amazon.coral.service#";
    }
    return style.type_namespace;
}

Response xml_error(const ErrorStyle& style, const AwsException& exception, const Error& error, std::string_view request_id) {
    Response response(exception.status);
    response.content_type = "text/xml";
    response.body = "<ErrorResponse xmlns=\"" + std::string(style.xml_namespace) + "\"><Error><Type>" +
                    (exception.status >= 500 ? "Receiver" : "Sender") + "</Type><Code>" + std::string(exception.name) + "</Code><Message>" +
                    xml_text(error.message) + "</Message></Error><RequestId>" + std::string(request_id) + "</RequestId></ErrorResponse>";
    return response;
}

ErrorStyle style_of(Family family) {
    ErrorStyle style;
    style.family = family;
    if (family == Family::dynamodb) style.type_namespace = "com.amazonaws.dynamodb.v20120810#";
    return style;
}

}  // namespace

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 16> names{"",
                                                            "missing_authentication_token",
                                                            "incomplete_signature",
                                                            "unrecognized_client",
                                                            "invalid_signature",
                                                            "signature_expired",
                                                            "forbidden",
                                                            "unknown_operation",
                                                            "method_not_allowed",
                                                            "validation",
                                                            "malformed_body",
                                                            "body_too_large",
                                                            "unavailable",
                                                            "throttled",
                                                            "gateway_timeout",
                                                            "internal"};
    static const NamedErrorCategory category("api", names);
    return category;
}

std::span<const ErrorTable> error_tables() {
    static const std::array tables{
        ErrorTable{&category(), front_rows},
        ErrorTable{&common_category(), common_rows},
        ErrorTable{&registry::category(), registry_rows},
        ErrorTable{&rules::category(), rules_rows},
        ErrorTable{&lambda::category(), lambda_rows},
        ErrorTable{&logs::category(), logs_rows},
        ErrorTable{&shadow::category(), shadow_rows},
        ErrorTable{&jobs::category(), jobs_rows},
        ErrorTable{&store::table::category(), table_rows},
        ErrorTable{&store::kv::category(), kv_rows},
        ErrorTable{&policy::category(), policy_rows},
    };
    return tables;
}

AwsException aws_exception(Family family, const boost::system::error_code& code) {
    for (const ErrorTable& table : error_tables()) {
        if (code.category() != *table.category) continue;
        for (const ErrorRow& row : table.rows) {
            if (row.code == code.value()) return column(row, family);
        }
    }
    return column(front_rows.back(), family);
}

AwsException aws_exception(const ErrorStyle& style, const boost::system::error_code& code) {
    AwsException exception = aws_exception(style.family, code);
    for (const ErrorStyle::Rename& rename : style.renames) {
        if (rename.from == exception.name) exception.name = rename.to;
    }
    return exception;
}

Response error_response(Family family, const Error& error, std::string_view request_id, const std::map<std::string, std::string>& members) {
    return error_response(style_of(family), error, request_id, members);
}

Response error_response(const ErrorStyle& style, const Error& error, std::string_view request_id,
                        const std::map<std::string, std::string>& members) {
    const Family family = style.family;
    const AwsException exception = aws_exception(style, error.code);
    if (family == Family::query) return xml_error(style, exception, error, request_id);
    Response response(exception.status);
    nlohmann::json body = nlohmann::json::object();
    const char* message_member = "message";
    if (family == Family::dynamodb || family == Family::json) {
        body["__type"] = std::string(type_namespace(style, exception.name)) + std::string(exception.name);
        response.content_type = "application/x-amz-json-" + std::string(style.json_version);
    } else {
        response.headers.emplace_back("x-amzn-ErrorType", std::string(exception.name));
        response.content_type = "application/json";
    }
    if (family == Family::lambda) {
        body["Type"] = exception.status >= 500 ? "Service" : "User";
        message_member = "Message";
    }
    if (family == Family::data) body["traceId"] = request_id;
    // AWS says `Forbidden` and no more; the reason behind it is Fogbank's.
    const bool bare = exception.name == "ForbiddenException" && !error.message.starts_with("Forbidden");
    body[message_member] = bare ? "Forbidden: " + error.message : error.message;
    for (const auto& [name, value] : members) body[name] = value;
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

}  // namespace fogbank::api
