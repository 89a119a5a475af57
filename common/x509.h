/// X.509 certificates and keys: making them for the server and for devices, reading what peers present. A thin layer over OpenSSL.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/random.h"
#include "common/result.h"

struct evp_pkey_st;
struct x509_st;

namespace fogbank::x509 {

struct KeyDeleter {
    void operator()(evp_pkey_st* key) const noexcept;
};
struct CertificateDeleter {
    void operator()(x509_st* certificate) const noexcept;
};
using Key = std::unique_ptr<evp_pkey_st, KeyDeleter>;
using Certificate = std::unique_ptr<x509_st, CertificateDeleter>;

Result<Key> generate_rsa_2048();
Result<Key> generate_p256();
/// PKCS#1 "BEGIN RSA PRIVATE KEY" for RSA as AWS hands out, "BEGIN EC PRIVATE KEY" for EC.
Result<std::string> private_key_pem(const Key& key);
Result<std::string> public_key_pem(const Key& key);  ///< "BEGIN PUBLIC KEY"
Result<Key> read_private_key_pem(std::string_view pem);

Result<Certificate> read_certificate_pem(std::string_view pem);
Result<Certificate> read_certificate_der(std::string_view der);
Result<std::string> certificate_pem(const Certificate& certificate);
Result<std::string> certificate_der(const Certificate& certificate);

/// SHA-256 of the DER, 64 lower-case hex digits: AWS's certificate id.
std::string certificate_id(std::string_view der);

struct Validity {
    WallTime not_before, not_after;
};
Result<Validity> validity(const Certificate& certificate);
/// Text of the subject's first common name, empty if there is none.
std::string subject_common_name(const Certificate& certificate);
/// The subjectAltName's DNS names and IP addresses in text form, sorted.
std::vector<std::string> subject_alternative_names(const Certificate& certificate);

/// One attribute of a certificate's name under the field name that AWS uses in policy variables (`CommonName`, `Organization`, `DNSName`
/// …).
struct NameAttribute {
    std::string field, value;
};
/// In the certificate's order; attributes that AWS has no name for are left out.
std::vector<NameAttribute> subject_attributes(const Certificate& certificate);
std::vector<NameAttribute> issuer_attributes(const Certificate& certificate);
std::vector<NameAttribute> subject_alternative_attributes(const Certificate& certificate);
std::vector<NameAttribute> issuer_alternative_attributes(const Certificate& certificate);
std::string serial_number(const Certificate& certificate);  ///< lower-case hex

bool is_signed_by(const Certificate& certificate, const Certificate& issuer);  ///< the signature only, not the validity
bool key_matches(const Certificate& certificate, const Key& private_key);      ///< whether they are a pair

struct Name {
    std::string country, organization, organizational_unit, state, locality, common_name;  ///< empty ones are left out
};

/// A self-signed root: RSA or EC key, SHA-256, CA:TRUE, key usage keyCertSign + cRLSign.
Result<Certificate> make_root(const Key& key, const Name& name, const Validity& validity, RandomSource& random);

struct LeafOptions {
    Name subject;
    Validity validity;
    std::vector<std::string> alternative_names;  ///< DNS names (wildcards allowed) and IP addresses, told apart by form; may be empty
    bool server = false;                         ///< extended key usage serverAuth, else clientAuth
};
/// A leaf for `public_key` signed by the root with SHA-256.
Result<Certificate> make_leaf(const Key& public_key, const LeafOptions& options, const Certificate& issuer, const Key& issuer_key,
                              RandomSource& random);

/// A leaf for the key of a PKCS#10 request (PEM); the request's subject is kept where it has one.
/// Errors: CommonErrc::malformed for bad PEM, a bad signature on the request, or a key AWS does not take (RSA < 2048, curves other than
/// P-256/384/521).
Result<Certificate> make_leaf_from_csr(std::string_view csr_pem, const LeafOptions& options, const Certificate& issuer,
                                       const Key& issuer_key, RandomSource& random);

}  // namespace fogbank::x509
