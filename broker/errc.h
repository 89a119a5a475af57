/// Why the broker could not do something; what a peer did wrong with its bytes is mqtt::Errc.
#pragma once

#include "common/errc.h"

namespace fogbank::broker {

enum class Errc {
    publish_loop = 1,  ///< a message caused itself too often, or too many messages caused by one wait
    tls_refused,       ///< the handshake failed or its result is not served
    throttled,         ///< a quota that comes back with time, or one of a number that may be retained
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::broker

FOGBANK_ERROR_CODE_ENUM(fogbank::broker::Errc)
