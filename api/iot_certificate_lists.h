/// What the lists of certificates have in common: their answer.
#pragma once

#include "api/service.h"

namespace fogbank::api {

/// `certificates` and `nextMarker`, as ListCertificates and ListCertificatesByCA answer them.
Response certificate_list(const registry::ListPage<registry::CertificateRecord>& page);

}  // namespace fogbank::api
