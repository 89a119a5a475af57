/// Error codes of the key-value engine.
#pragma once

#include "common/errc.h"

namespace fogbank::store::kv {

enum class Errc {
    precondition_failed = 1,  ///< a Batch's precondition did not hold; nothing was written
    conflict,                 ///< another writer was faster; try the whole transaction again
    unavailable,              ///< disk full, I/O error; nothing was written, later calls may succeed
    corrupt,                  ///< the stored bytes are not what this version wrote
    stopped,                  ///< the engine is shutting down
    too_large,                ///< a key or value beyond key_bytes_max or value_bytes_max; nothing was written
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::store::kv

FOGBANK_ERROR_CODE_ENUM(fogbank::store::kv::Errc)
