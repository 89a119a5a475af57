// Input: PEM of a certificate or of a certificate request, as users and devices send it. Neither a crash nor an issued certificate for a
// key that AWS does not take.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/random.h"
#include "common/x509.h"
#include "registry/device_access.h"

namespace {

using namespace fogbank;

struct Issuer {
    SystemRandom random;
    x509::Key key = *x509::generate_p256();
    x509::LeafOptions options;
    x509::Certificate root;
    Issuer() {
        options.validity = {WallTime(std::chrono::hours(24)), WallTime(std::chrono::hours(240'000))};
        x509::Name name;
        name.common_name = "root";
        root = *x509::make_root(key, name, options.validity, random);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Issuer issuer;
    const std::string_view pem(reinterpret_cast<const char*>(data), size);
    if (const auto certificate = x509::read_certificate_pem(pem)) {
        static_cast<void>(x509::subject_attributes(*certificate));
        static_cast<void>(x509::subject_alternative_attributes(*certificate));
        static_cast<void>(x509::issuer_alternative_attributes(*certificate));
        static_cast<void>(x509::serial_number(*certificate));
        static_cast<void>(x509::validity(*certificate));
        static_cast<void>(registry::issuer_of(registry::DeviceAccessState(), *certificate));
    }
    static_cast<void>(registry::read_ca_certificate(pem, pem, "code", "DEFAULT"));
    static_cast<void>(registry::read_ca_certificate(pem, {}, {}, "SNI_ONLY"));
    static_cast<void>(x509::make_leaf_from_csr(pem, issuer.options, issuer.root, issuer.key, issuer.random));
    return 0;
}
