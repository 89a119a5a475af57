// Making certificates: roots, leaves, leaves for certificate signing requests.

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <array>
#include <chrono>

#include "common/detail/openssl.h"
#include "common/x509.h"

namespace fogbank::x509 {
namespace {

using namespace detail;

/// CSRs are bounded by AWS at 4096 bytes; this only keeps nonsense away from the parser.
constexpr std::size_t csr_bytes_max = 65536;
/// RFC 5280 section 4.1.2.2: serial numbers are positive and at most 20 octets.
constexpr std::size_t serial_bytes = 20;
/// RFC 1035 section 2.3.4.
constexpr std::size_t dns_name_bytes_max = 253;

Result<void> set_serial(X509* certificate, RandomSource& random) {
    std::array<std::uint8_t, serial_bytes> bytes{};
    random.fill(bytes);
    bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x3F) | 0x40);  // positive, and never shorter
    const BigNumber number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    const Integer serial(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
    if (!serial || X509_set_serialNumber(certificate, serial.get()) != 1) {
        return openssl_error(CommonErrc::crypto_failure, "cannot set the serial number");
    }
    return {};
}

/// ASN1_TIME_set chooses UTCTime up to 2049 and GeneralizedTime after, as RFC 5280 section 4.1.2.5 demands.
Result<void> set_validity(X509* certificate, const Validity& validity) {
    const auto seconds = [](WallTime at) {
        return static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
    };
    if (validity.not_after < validity.not_before) return Error(CommonErrc::malformed, "a certificate that ends before it begins");
    if (ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(validity.not_before)) == nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(validity.not_after)) == nullptr) {
        return openssl_error(CommonErrc::crypto_failure, "cannot set the validity");
    }
    return {};
}

Result<DistinguishedName> distinguished_name(const Name& name) {
    const std::array<std::pair<int, const std::string*>, 6> parts{{{NID_countryName, &name.country},
                                                                   {NID_stateOrProvinceName, &name.state},
                                                                   {NID_localityName, &name.locality},
                                                                   {NID_organizationName, &name.organization},
                                                                   {NID_organizationalUnitName, &name.organizational_unit},
                                                                   {NID_commonName, &name.common_name}}};
    DistinguishedName out(X509_NAME_new());
    for (const auto& [nid, text] : parts) {
        if (text->empty()) continue;
        const auto* bytes = reinterpret_cast<const unsigned char*>(text->data());
        if (X509_NAME_add_entry_by_NID(out.get(), nid, MBSTRING_UTF8, bytes, static_cast<int>(text->size()), -1, 0) != 1) {
            return openssl_error(CommonErrc::malformed, "`" + *text + "` cannot stand in a certificate's name");
        }
    }
    return out;
}

Result<void> add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
        return openssl_error(CommonErrc::crypto_failure, "cannot add a certificate extension");
    }
    return {};
}

bool is_dns_name(std::string_view name) {
    if (name.empty() || name.size() > dns_name_bytes_max) return false;
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*") == std::string_view::npos;
}

bool is_ip_address(const std::string& name) {
    in6_addr scratch{};
    return inet_pton(AF_INET, name.c_str(), &scratch) == 1 || inet_pton(AF_INET6, name.c_str(), &scratch) == 1;
}

Result<GeneralName> general_name(const std::string& name) {
    GeneralName out(GENERAL_NAME_new());
    if (is_ip_address(name)) {
        ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
        if (address == nullptr) return openssl_error(CommonErrc::malformed, "`" + name + "` is not an IP address");
        GENERAL_NAME_set0_value(out.get(), GEN_IPADD, address);
        return out;
    }
    if (!is_dns_name(name)) return Error(CommonErrc::malformed, "`" + name + "` is neither a DNS name nor an IP address");
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    if (text == nullptr || ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) != 1) {
        ASN1_IA5STRING_free(text);
        return openssl_error(CommonErrc::crypto_failure, "cannot add a name");
    }
    GENERAL_NAME_set0_value(out.get(), GEN_DNS, text);
    return out;
}

/// Built value by value: OpenSSL's text form would let a comma in a name add another name.
Result<void> add_alternative_names(X509* certificate, const std::vector<std::string>& names) {
    if (names.empty()) return {};
    const GeneralNames list(GENERAL_NAMES_new());
    for (const std::string& name : names) {
        auto one = general_name(name);
        if (!one) return one.error();
        if (sk_GENERAL_NAME_push(list.get(), one->get()) <= 0) return openssl_error(CommonErrc::crypto_failure, "cannot add a name");
        static_cast<void>(one->release());  // the list owns it now
    }
    if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0) != 1) {
        return openssl_error(CommonErrc::crypto_failure, "cannot add the alternative names");
    }
    return {};
}

Result<void> sign(X509* certificate, const Key& key) {
    if (X509_sign(certificate, key.get(), EVP_sha256()) == 0)
        return openssl_error(CommonErrc::crypto_failure, "cannot sign the certificate");
    return {};
}

/// What roots and leaves have in common: version, serial number, validity, public key, names.
Result<Certificate> begin(EVP_PKEY* public_key, const X509_NAME* subject, const X509_NAME* issuer, const Validity& validity,
                          RandomSource& random) {
    Certificate out(X509_new());
    if (!out || X509_set_version(out.get(), X509_VERSION_3) != 1 || X509_set_pubkey(out.get(), public_key) != 1 ||
        X509_set_subject_name(out.get(), subject) != 1 || X509_set_issuer_name(out.get(), issuer) != 1) {
        return openssl_error(CommonErrc::crypto_failure, "cannot make a certificate");
    }
    if (auto done = set_serial(out.get(), random); !done) return done.error();
    if (auto done = set_validity(out.get(), validity); !done) return done.error();
    return out;
}

Result<Certificate> make_leaf_named(EVP_PKEY* public_key, const X509_NAME* subject, const LeafOptions& options, const Certificate& issuer,
                                    const Key& issuer_key, RandomSource& random) {
    auto leaf = begin(public_key, subject, X509_get_subject_name(issuer.get()), options.validity, random);
    if (!leaf) return leaf;
    // Key encipherment is for the plain-RSA suites of TLS 1.2; an EC key cannot do it.
    const char* usage = EVP_PKEY_is_a(public_key, "RSA") == 1 ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
    const std::array<std::pair<int, const char*>, 5> extensions{{{NID_basic_constraints, "critical,CA:FALSE"},
                                                                 {NID_key_usage, usage},
                                                                 {NID_ext_key_usage, options.server ? "serverAuth" : "clientAuth"},
                                                                 {NID_subject_key_identifier, "hash"},
                                                                 {NID_authority_key_identifier, "keyid:always"}}};
    for (const auto& [nid, value] : extensions) {
        if (auto done = add_extension(leaf->get(), issuer.get(), nid, value); !done) return done.error();
    }
    if (auto done = add_alternative_names(leaf->get(), options.alternative_names); !done) return done.error();
    if (auto done = sign(leaf->get(), issuer_key); !done) return done.error();
    return leaf;
}

/// Source: AWS IoT Core Developer Guide, "Create client certificates using a CSR": RSA of at least 2048 bits, NIST P-256, P-384, P-521.
bool key_is_accepted(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1) return EVP_PKEY_get_bits(key) >= 2048;
    if (EVP_PKEY_is_a(key, "EC") != 1) return false;
    std::array<char, 64> group{};
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), nullptr) != 1) return false;
    const std::string_view name(group.data());
    return name == "prime256v1" || name == "P-256" || name == "secp384r1" || name == "P-384" || name == "secp521r1" || name == "P-521";
}

}  // namespace

Result<Certificate> make_root(const Key& key, const Name& name, const Validity& validity, RandomSource& random) {
    auto subject = distinguished_name(name);
    if (!subject) return subject.error();
    auto root = begin(key.get(), subject->get(), subject->get(), validity, random);
    if (!root) return root;
    const std::array<std::pair<int, const char*>, 3> extensions{{{NID_basic_constraints, "critical,CA:TRUE"},
                                                                 {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                                                 {NID_subject_key_identifier, "hash"}}};
    for (const auto& [nid, value] : extensions) {
        if (auto done = add_extension(root->get(), root->get(), nid, value); !done) return done.error();
    }
    if (auto done = sign(root->get(), key); !done) return done.error();
    return root;
}

Result<Certificate> make_leaf(const Key& public_key, const LeafOptions& options, const Certificate& issuer, const Key& issuer_key,
                              RandomSource& random) {
    auto subject = distinguished_name(options.subject);
    if (!subject) return subject.error();
    return make_leaf_named(public_key.get(), subject->get(), options, issuer, issuer_key, random);
}

Result<Certificate> make_leaf_from_csr(std::string_view csr_pem, const LeafOptions& options, const Certificate& issuer,
                                       const Key& issuer_key, RandomSource& random) {
    if (csr_pem.size() > csr_bytes_max) return Error(CommonErrc::malformed, "a certificate signing request of more than 65536 bytes");
    const Bio in = read_bio(csr_pem);
    const Request request(in ? PEM_read_bio_X509_REQ(in.get(), nullptr, no_passphrase, nullptr) : nullptr);
    if (!request) return openssl_error(CommonErrc::malformed, "not a certificate signing request in PEM form");
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
    if (key == nullptr) return openssl_error(CommonErrc::malformed, "the certificate signing request has no usable public key");
    // Before its signature is checked, so that an outlandish key costs nothing.
    if (!key_is_accepted(key)) {
        return openssl_error(CommonErrc::malformed,
                             "the key of a certificate signing request must be RSA of at least 2048 bits or EC P-256, P-384 or P-521");
    }
    if (X509_REQ_verify(request.get(), key) != 1)
        return openssl_error(CommonErrc::malformed, "the certificate signing request's signature is wrong");
    const X509_NAME* subject = X509_REQ_get_subject_name(request.get());
    if (X509_NAME_entry_count(subject) > 0) return make_leaf_named(key, subject, options, issuer, issuer_key, random);
    auto own = distinguished_name(options.subject);
    if (!own) return own.error();
    return make_leaf_named(key, own->get(), options, issuer, issuer_key, random);
}

}  // namespace fogbank::x509
