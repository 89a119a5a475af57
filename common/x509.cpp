#include "common/x509.h"

#include <openssl/encoder.h>
#include <openssl/pem.h>

#include "common/detail/openssl.h"
#include "common/encoding.h"

namespace fogbank::x509 {
namespace {

using namespace detail;

/// No PEM that a user hands us is longer. Source: AWS IoT API reference, CertificatePem.
constexpr std::size_t pem_bytes_max = 65536;

}  // namespace

void KeyDeleter::operator()(evp_pkey_st* key) const noexcept {
    EVP_PKEY_free(key);
}
void CertificateDeleter::operator()(x509_st* certificate) const noexcept {
    X509_free(certificate);
}

Result<Key> generate_rsa_2048() {
    Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
    if (!key) return openssl_error(CommonErrc::crypto_failure, "cannot generate an RSA key");
    return key;
}

Result<Key> generate_p256() {
    Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    if (!key) return openssl_error(CommonErrc::crypto_failure, "cannot generate an EC key");
    return key;
}

Result<std::string> private_key_pem(const Key& key) {
    // `type-specific` is PKCS#1 for RSA and SEC 1 for EC: the headings that AWS's keys have.
    const Owned<OSSL_ENCODER_CTX, OSSL_ENCODER_CTX_free> encoder(
        OSSL_ENCODER_CTX_new_for_pkey(key.get(), EVP_PKEY_KEYPAIR, "PEM", "type-specific", nullptr));
    const Bio out = write_bio();
    if (!encoder || !out || OSSL_ENCODER_to_bio(encoder.get(), out.get()) != 1) {
        return openssl_error(CommonErrc::crypto_failure, "cannot write the private key");
    }
    return bio_text(out);
}

Result<std::string> public_key_pem(const Key& key) {
    const Bio out = write_bio();
    if (!out || PEM_write_bio_PUBKEY(out.get(), key.get()) != 1)
        return openssl_error(CommonErrc::crypto_failure, "cannot write the public key");
    return bio_text(out);
}

Result<Key> read_private_key_pem(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return Error(CommonErrc::too_large, "a PEM of more than 65536 bytes");
    const Bio in = read_bio(pem);
    Key key(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr) : nullptr);
    if (!key) return openssl_error(CommonErrc::malformed, "not a private key in PEM form");
    return key;
}

Result<Certificate> read_certificate_pem(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return Error(CommonErrc::too_large, "a PEM of more than 65536 bytes");
    const Bio in = read_bio(pem);
    Certificate certificate(in ? PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr) : nullptr);
    if (!certificate) return openssl_error(CommonErrc::malformed, "not a certificate in PEM form");
    return certificate;
}

Result<Certificate> read_certificate_der(std::string_view der) {
    if (der.size() > pem_bytes_max) return Error(CommonErrc::too_large, "a certificate of more than 65536 bytes");
    const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
    const unsigned char* next = begin;
    Certificate certificate(d2i_X509(nullptr, &next, static_cast<long>(der.size())));
    if (!certificate) return openssl_error(CommonErrc::malformed, "not a certificate in DER form");
    if (next != begin + der.size()) return Error(CommonErrc::malformed, "bytes after the end of the certificate");
    return certificate;
}

Result<std::string> certificate_pem(const Certificate& certificate) {
    const Bio out = write_bio();
    if (!out || PEM_write_bio_X509(out.get(), certificate.get()) != 1) {
        return openssl_error(CommonErrc::crypto_failure, "cannot write the certificate");
    }
    return bio_text(out);
}

Result<std::string> certificate_der(const Certificate& certificate) {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate.get(), &bytes);
    if (size <= 0) return openssl_error(CommonErrc::crypto_failure, "cannot write the certificate");
    std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return der;
}

std::string certificate_id(std::string_view der) {
    return hex_encode(sha256(der));
}

}  // namespace fogbank::x509
