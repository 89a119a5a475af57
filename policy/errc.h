/// Error codes of policy documents.
#pragma once

#include "common/errc.h"

namespace fogbank::policy {

enum class Errc { malformed_document = 1, document_too_large };

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::policy

FOGBANK_ERROR_CODE_ENUM(fogbank::policy::Errc)
