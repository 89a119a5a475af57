/// The errors that many files make, with DynamoDB's texts.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "store/kv/errc.h"
#include "store/table/errc.h"

namespace fogbank::store::table {

inline Error validation(std::string text) {
    return {Errc::validation, std::move(text)};
}

/// `One or more parameter values were invalid: …`
inline Error invalid_parameter(std::string_view why) {
    return validation("One or more parameter values were invalid: " + std::string(why));
}

/// The form of DynamoDB's checks against its own service model.
inline Error constraint_violated(std::string_view value, std::string_view member, std::string_view constraint) {
    return validation("1 validation error detected: Value '" + std::string(value) + "' at '" + std::string(member) +
                      "' failed to satisfy constraint: Member must " + std::string(constraint));
}

/// What the data calls say of a table that is not there; the calls about tables also name it.
inline Error table_not_found() {
    return {Errc::resource_not_found, "Requested resource not found"};
}
inline Error table_not_found(std::string_view name) {
    return {Errc::resource_not_found, "Requested resource not found: Table: " + std::string(name) + " not found"};
}

inline Error conditional_check_failed() {
    return {Errc::conditional_check_failed, "The conditional request failed"};
}

/// A kv engine's error in this room's words. Errors that are the table store's own (a transaction's body returned one) pass through.
/// A precondition of this room is always the table's marker, so a failed one means that the table is gone.
inline Error from_engine(const Error& error) {
    if (error.code.category() == category()) return error;
    if (error.code == kv::Errc::precondition_failed) return table_not_found();
    return {Errc::unavailable, "the item store: " + error.message};
}

}  // namespace fogbank::store::table
