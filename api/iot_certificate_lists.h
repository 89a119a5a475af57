/// What the lists of certificates have in common: their page parameters and their answer.
#pragma once

#include <cstdint>

#include "api/service.h"

namespace fogbank::api {

inline constexpr std::int64_t certificate_page_max = 250, certificate_page_default = 25;  // model: PageSize

/// `pageSize`, `marker` and `isAscendingOrder`. Errors: validation.
Result<registry::PageRequest> read_certificate_page(const Call& call);

/// `certificates` and `nextMarker`, as ListCertificates and ListCertificatesByCA answer them.
Response certificate_list(const registry::ListPage<registry::CertificateRecord>& page);

}  // namespace fogbank::api
