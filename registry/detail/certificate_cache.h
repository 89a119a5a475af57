/// What authenticating a certificate needs, for the certificates seen last.
#pragma once

#include "registry/certificates.h"
#include "registry/detail/bounded_cache.h"

namespace fogbank::registry {

struct CertificateState {
    CertificateStatus status = CertificateStatus::inactive;
    WallTime not_before{}, not_after{};
};

class CertificateCache : public BoundedCache<CertificateId, CertificateState> {
  public:
    static constexpr std::size_t entries_max = 16'384;  // about 3 MB
    CertificateCache() : BoundedCache(entries_max) {}
};

}  // namespace fogbank::registry
