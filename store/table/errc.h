/// Error codes of the table store; the message is DynamoDB's text for the client. api/aws_errors.cpp gives each its exception name.
#pragma once

#include "common/errc.h"

namespace fogbank::store::table {

enum class Errc {
    validation = 1,                 ///< ValidationException
    resource_not_found,             ///< ResourceNotFoundException
    resource_in_use,                ///< ResourceInUseException
    conditional_check_failed,       ///< ConditionalCheckFailedException
    item_collection_too_large,      ///< ItemCollectionSizeLimitExceededException
    limit_exceeded,                 ///< LimitExceededException
    serialization,                  ///< SerializationException
    throttled,                      ///< the write queue is full: ThrottlingException
    unavailable,                    ///< the engine refused: InternalServerError
    idempotent_parameter_mismatch,  ///< IdempotentParameterMismatchException
    transaction_conflict,           ///< TransactionConflictException
    access_denied,                  ///< AccessDeniedException
    duplicate_item,                 ///< DuplicateItemException (PartiQL INSERT)
    table_not_found,                ///< TableNotFoundException (backups)
    table_in_use,                   ///< TableInUseException
    table_already_exists,           ///< TableAlreadyExistsException
    backup_not_found,               ///< BackupNotFoundException
    backup_in_use,                  ///< BackupInUseException
    invalid_restore_time,           ///< InvalidRestoreTimeException
    pitr_unavailable,               ///< PointInTimeRecoveryUnavailableException
    trimmed_data_access,            ///< TrimmedDataAccessException (streams)
    expired_iterator,               ///< ExpiredIteratorException (streams)
    export_not_found,               ///< ExportNotFoundException
    import_not_found,               ///< ImportNotFoundException
    export_conflict,                ///< ExportConflictException
    import_conflict,                ///< ImportConflictException
    invalid_export_time,            ///< InvalidExportTimeException
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::store::table

FOGBANK_ERROR_CODE_ENUM(fogbank::store::table::Errc)
